// The list of damages of the photo that is shown, and the strip of photos.

import { h, icon } from "./dom.js";

const STATES = { created: "proposed", accepted: "accepted", rejected: "rejected", weaker: "weaker proposal" };

const percent = (share) => (share === null ? "" : `${Math.round(share * 100)} %`);

/** "3 undecided of 7" and the like. */
export function progressOf(damages) {
  const open = damages.filter((damage) => damage.state === "created" && !damage.isPotential).length;
  return { open, total: damages.length };
}

/** What a screen reader hears of a damage. */
export function spoken(damage, labels, count) {
  const name = damage.isWeaker ? "Not a damage yet" : `Damage ${damage.number} of ${count}`;
  const parts = [name, labels.get(damage.category), percent(damage.confidence), STATES[damage.state]];
  return parts.filter(Boolean).join(", ");
}

function categoryOf(damage, { labels, canWork, acts }) {
  if (!canWork || damage.isWeaker) return h("span", { class: "ip-word" }, labels.get(damage.category));
  const select = h("select", {
    "aria-label": `Category of damage ${damage.number}`,
    "data-key": `category-${damage.id}`,
    onchange: () => acts.categorise(damage.id, select.value),
  });
  for (const [value, label] of labels) select.append(h("option", { value, selected: value === damage.category }, label));
  return select;
}

function button(damage, act, text, symbol, extra = {}) {
  return h("button", { type: "button", class: "ip-button", "data-key": `${act}-${damage.id}`, "data-decide": act, ...extra }, icon(symbol), text);
}

function buttonsOf(damage, { canWork, acts }) {
  if (!canWork) return null;
  if (damage.isWeaker) {
    return h("div", { class: "ip-buttons" }, button(damage, "add", "Make it a damage", "add", { onclick: () => acts.decide(damage.id, "accept") }));
  }
  return h("div", { class: "ip-buttons" },
    button(damage, "accept", "Accept", "check", { "aria-pressed": `${damage.state === "accepted"}`, onclick: () => acts.decide(damage.id, "accept") }),
    button(damage, "reject", "Reject", "close", { "aria-pressed": `${damage.state === "rejected"}`, onclick: () => acts.decide(damage.id, "reject") }),
    damage.familySize > 1 && button(damage, "accept-family", `Accept all ${damage.familySize}`, "done_all", { title: "On all photos that show it (Shift+A)", onclick: () => acts.decide(damage.id, "accept", true) }),
    damage.familySize > 1 && button(damage, "reject-family", `Reject all ${damage.familySize}`, "remove_done", { title: "On all photos that show it (Shift+R)", onclick: () => acts.decide(damage.id, "reject", true) }),
    damage.canUndo && button(damage, "undo", "Undo", "undo", { onclick: () => acts.undo(damage.id) }),
    damage.canDelete && button(damage, "delete", "Delete", "delete", { onclick: () => acts.remove(damage.id) }));
}

function factsOf(damage) {
  const facts = [];
  if (damage.fromWeaker) facts.push(`from a weaker proposal, by ${damage.author || "a person"}`);
  else if (damage.isDrawn) facts.push(damage.author ? `drawn by ${damage.author}` : "drawn by a person");
  else if (damage.model) facts.push(damage.model);
  if (damage.familySize > 1) facts.push(`seen on ${damage.familySize} photos`);
  if (damage.decidedBy && !(damage.isDrawn && damage.decidedBy === damage.author)) facts.push(`${STATES[damage.state]} by ${damage.decidedBy}`);
  return facts.join(" · ");
}

function row(damage, context) {
  const isCurrent = damage.id === context.selected;
  const facts = factsOf(damage);
  return h("li", {
    class: `ip-damage ip-${damage.state}`,
    "data-damage": damage.id,
    "data-state": damage.state,
    "aria-current": isCurrent ? "true" : null,
    onclick: (event) => { if (!event.target.closest("button, select")) context.acts.select(damage.id); },
  },
  h("div", { class: "ip-damage-head" },
    h("span", { class: "ip-damage-number" }, damage.isWeaker ? "" : `${damage.number}.`),
    categoryOf(damage, context),
    damage.confidence !== null && h("span", { class: "ip-quiet", title: "The model's confidence" }, percent(damage.confidence))),
  h("p", { class: "ip-damage-facts" },
    h("span", { class: `ip-chip ip-damage-${damage.state}` }, damage.isPotential ? "doubtful" : STATES[damage.state]),
    facts && ` ${facts}`),
  buttonsOf(damage, context));
}

/** Draw the list; the keyboard's focus stays on the same control, or on the same damage if the control is gone. */
export function drawList(list, damages, context) {
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...damages.map((damage) => row(damage, context)));
  if (key) list.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
}

/** Make the strip of photos; the function it returns keeps marks and numbers up to date. */
export function createThumbs(strip, photos, onChoose) {
  const buttons = photos.map((photo, index) => h("button", {
    type: "button", class: "ip-thumb", title: photo.name, onclick: () => onChoose(index),
  },
  photo.thumb ? h("img", { src: photo.thumb, alt: "", loading: "lazy" }) : h("span", { class: "ip-thumb-empty" }, "no picture"),
  h("span", { class: "ip-badge" })));
  strip.replaceChildren(...buttons.map((node) => h("li", {}, node)));

  return ({ current, damagesOf, canWork }) => buttons.forEach((node, index) => {
    const { open, total } = progressOf(damagesOf(photos[index]));
    const count = canWork ? open : total;
    const badge = node.querySelector(".ip-badge");
    badge.textContent = count;
    badge.hidden = count === 0;
    badge.classList.toggle("ip-open", canWork);
    const words = canWork ? `${open} undecided of ${total}` : `${total} damages`;
    node.setAttribute("aria-label", `Photo ${index + 1}, ${photos[index].name}: ${words}`);
    if (index !== current) node.removeAttribute("aria-current");
    else if (!node.hasAttribute("aria-current")) {
      node.setAttribute("aria-current", "true");
      strip.scrollLeft = node.offsetLeft - strip.clientWidth / 2 + node.clientWidth / 2;
    }
  });
}
