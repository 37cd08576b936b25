"use strict";
for (const map of document.querySelectorAll(".map")) {
  const plane = map.querySelector(".plane"), card = map.querySelector(".card");
  const picture = card.querySelector("img"), words = card.querySelector("span");
  const points = [...map.querySelectorAll(".points use")];
  const texts = new Map();
  for (const point of points) {
    // The browser's own hint would lie over the card.
    const title = point.querySelector("title");
    texts.set(point, title.textContent);
    title.remove();
  }

  function show(event) {
    const text = texts.get(event.target);
    card.hidden = text === undefined;
    if (card.hidden) return;
    words.textContent = text;
    picture.hidden = !event.target.dataset.picture;
    if (!picture.hidden) picture.src = event.target.dataset.picture;
    const frame = plane.getBoundingClientRect(), point = event.target.getBoundingClientRect();
    const left = point.left - frame.left, top = point.top - frame.top;
    const right = left + card.offsetWidth + 24 < frame.width;
    card.style.left = `${Math.max(4, right ? left + 18 : left - card.offsetWidth - 8)}px`;
    card.style.top = `${Math.max(4, Math.min(top, frame.height - card.offsetHeight - 4))}px`;
  }
  plane.addEventListener("pointerover", show);
  plane.addEventListener("click", show);
  plane.addEventListener("pointerleave", () => { card.hidden = true; });

  const buttons = [...map.querySelectorAll("button")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const alone = button.getAttribute("aria-pressed") !== "true";
      for (const each of buttons) each.setAttribute("aria-pressed", String(alone && each === button));
      for (const point of points) {
        point.classList.toggle("faded", alone && point.dataset.class !== button.dataset.class);
      }
    });
  }
}
