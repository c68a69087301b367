// Questions that open beside their button: one at a time, and Escape or a click elsewhere leaves them.
const open = () => document.querySelectorAll("details.ip-confirm[open]");

document.addEventListener("click", (event) => {
  for (const ask of open()) {
    if (!ask.contains(event.target)) ask.open = false;
  }
});

document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape") return;
    for (const ask of open()) {
      ask.open = false;
      ask.querySelector("summary").focus();
      event.stopPropagation();
    }
  },
  { capture: true },
);
