// One table of keys: what they do and what the help says.

export const KEYS = [
  { keys: ["a"], act: "accept", works: true, text: "Accept the damage; make one of a weaker proposal" },
  { keys: ["r"], act: "reject", works: true, text: "Reject the damage" },
  { keys: ["A"], act: "accept-family", works: true, text: "Accept it on all photos that show it" },
  { keys: ["R"], act: "reject-family", works: true, text: "Reject it on all photos" },
  { keys: ["u"], act: "undo", works: true, text: "Take my last decision back" },
  { keys: ["c"], act: "category", works: true, text: "Choose another category" },
  { keys: ["d"], act: "draw", works: true, text: "Draw a damage" },
  { keys: ["x"], act: "delete", works: true, text: "Delete a drawn damage" },
  { keys: ["j"], act: "next", text: "Next damage" },
  { keys: ["k"], act: "previous", text: "Previous damage" },
  { keys: ["n"], act: "photo-next", text: "Next photo" },
  { keys: ["p"], act: "photo-previous", text: "Previous photo" },
  { keys: ["z"], act: "zoom-damage", text: "Close to the damage, and back" },
  { keys: ["+", "="], act: "zoom-in", text: "Larger" },
  { keys: ["-"], act: "zoom-out", text: "Smaller" },
  { keys: ["0"], act: "zoom-all", text: "The whole photo" },
  { keys: ["m"], act: "more", text: "Weaker proposals of the model on and off" },
  { keys: ["o"], act: "outlines", text: "Outlines on and off" },
  { keys: ["f"], act: "finish-next", works: true, text: "Finish, and the next set" },
  { keys: ["?"], act: "help", text: "This help" },
];

export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const TYPING = "input:not([type=checkbox]), select, textarea, [contenteditable]";

/** Call `run(act)` for keys of the table; not while somebody types, a dialog is open or a modifier is down. */
export function listen({ canWork, run }) {
  const known = new Map(KEYS.filter((row) => canWork || !row.works).flatMap((row) => row.keys.map((key) => [key, row.act])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    // A capital without Shift is Caps Lock: it means the small letter.
    const key = event.shiftKey ? event.key : event.key.toLowerCase();
    const act = known.get(key) ?? known.get(key.toLowerCase());
    if (!act) return;
    event.preventDefault();
    run(act);
  });
}
