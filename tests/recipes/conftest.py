"""Nothing is compiled twice and nothing is sent unasked, in every test here."""

from tests.training_guards import nothing_is_compiled_twice, nothing_is_sent_unasked

__all__ = ["nothing_is_compiled_twice", "nothing_is_sent_unasked"]
