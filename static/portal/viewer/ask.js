// A question with yes and no.

import { byId } from "./dom.js";

/** Resolves to whether the answer was yes; `yes` is what the button says. */
export function ask(text, yes) {
  const dialog = byId("ask-dialog");
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
