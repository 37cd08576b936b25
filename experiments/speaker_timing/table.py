"""What is said of the times of many adaptations."""

from typing import Any

from experiments.headline import Headline


def speaker_timing(results: list[dict[str, Any]]) -> str:
    """A paragraph for every measurement."""
    return "\n\n".join(map(sentences, results)) + "\n" if results else ""


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """How many times as fast one program is as a call for every step."""
    return [
        Headline(
            f"{each['adaptations']} adaptations of {each['steps']} steps in one program",
            f"{each['seconds']['in one program']:.2f} s, "
            f"{speed_up(each, 'step by step'):.1f} times as fast as step by step",
        )
        for each in results
    ]


def speed_up(result: dict[str, Any], way: str) -> float:
    """How many times as fast as another way one program is, by the clock."""
    return result["seconds"][way] / result["seconds"]["in one program"]


def sentences(timing: dict[str, Any]) -> str:
    """How long adaptations took together and one by one."""
    clock, cpu = timing["seconds"], timing["processor_seconds"]
    shown = ", ".join(f"{way} {clock[way]:.2f} s ({cpu[way]:.2f} s)" for way in clock)
    ratio, alone = speed_up(timing, "step by step"), speed_up(timing, "one by one")
    device = timing["made_by"]["device"]
    return (
        f"Time of {timing['adaptations']} adaptations (all speakers, draws, methods; "
        f"{timing['each']} utterances a class, {timing['steps']} steps; `{timing['data']}`), by "
        f"the clock and of the processor, medians of {timing['repeats']} alternating runs: "
        f"{shown}. "
        f"By the clock one program, its runs shared between {timing['devices']} devices, is "
        f"{ratio:.1f} times as fast as step by step and {alone:.1f} times as fast as one call for "
        f"each adaptation. {device}."
    )
