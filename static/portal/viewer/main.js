// The photos of a set with their damages: to look at, or to annotate and review while one holds the set.

import { ask } from "./ask.js";
import { createClient } from "./client.js";
import { byId, h } from "./dom.js";
import { ARROWS, KEYS, listen } from "./keys.js";
import { Lock } from "./lock.js";
import { createThumbs, drawList, progressOf, spoken } from "./panel.js";
import { Stage } from "./stage.js";
import { Weaker } from "./weaker.js";

const data = JSON.parse(byId("inspection-data").textContent);
const viewer = byId("viewer");
const canWork = Boolean(data.step);
const labels = new Map(data.categories);
const client = createClient({
  base: data.base, step: data.step, token: viewer.querySelector("[name=csrfmiddlewaretoken]")?.value,
});

let damages = data.damages;
let current = 0; // index of the photo
let selected = null; // id of the damage
let showsPotential = false;
let isLost = false;
const done = []; // what was decided here, for undo: lists of ids, since a family is decided at once

const stage = new Stage({
  svg: byId("photo"), note: byId("stage-note"), frame: byId("stage"),
  onSelect: (id) => select(id), onDrawn: () => byId("draw-category").focus(),
});

const weaker = new Weaker(data.weaker);

const drawThumbs = createThumbs(byId("thumbs"), data.photos, showPhoto);

// --- what is shown -------------------------------------------------------------------------------------------------

const isShown = (damage) => showsPotential || !damage.isPotential;
const photoShown = () => data.photos[current];
const damagesOf = (photo) => damages.filter((damage) => damage.photo === photo.id && isShown(damage));

/** The damages of the photo, numbered as the list and the outlines show them. */
function numbered() {
  const sizes = new Map();
  for (const damage of damages) sizes.set(damage.family, (sizes.get(damage.family) || 0) + 1);
  return damagesOf(photoShown()).map((damage, index) => ({
    ...damage, number: index + 1, familySize: sizes.get(damage.family),
  }));
}

/** What the list and the outlines show: the damages, then what the model was less sure of. */
const shown = () => [...numbered(), ...weaker.of(photoShown())];

function draw() {
  const rows = shown();
  const potential = damages.filter((damage) => damage.photo === photoShown().id && damage.isPotential).length;
  const { open, total } = progressOf(damages.filter(isShown));
  stage.mark(rows, selected);
  drawList(byId("damages"), rows, { labels, canWork: canWork && !isLost, selected, acts });
  drawThumbs({ current, damagesOf, canWork });
  byId("no-damages").hidden = rows.length > 0;
  const note = weaker.note(rows.filter((row) => row.isWeaker).length);
  byId("weaker-note").textContent = note;
  byId("weaker-note").hidden = !note;
  byId("progress").textContent = canWork ? `${open} of ${total} undecided in this set` : `${total} in this set`;
  byId("potential-label").hidden = potential === 0;
  byId("potential-label").querySelector("span").textContent = `Show doubtful ones (${potential})`;
}

function showPhoto(index) {
  if (index < 0 || index >= data.photos.length) return;
  current = index;
  endDrawing();
  const photo = photoShown();
  const rows = damagesOf(photo);
  selected = (rows.find((damage) => damage.state === "created") || rows[0])?.id ?? null;
  byId("photo-name").textContent = `${index + 1} of ${data.photos.length}: ${photo.name}`;
  byId("photo-remarks").textContent = [photo.reason, ...photo.remarks].filter(Boolean).join(" ");
  byId("photo-remarks").hidden = !byId("photo-remarks").textContent;
  byId("list-title").textContent = data.photos.length > 1 ? `Damages on photo ${index + 1}` : "Damages";
  stage.show(photo);
  draw();
}

function select(id) {
  selected = id;
  draw();
  const rows = shown();
  const damage = rows.find((row) => row.id === id);
  if (!damage) return;
  byId("announcer").textContent = spoken(damage, labels, damagesOf(photoShown()).length);
  if (stage.isZoomed) stage.closeTo(damage);
}

function move(step) {
  const rows = shown();
  if (!rows.length) return;
  const at = rows.findIndex((damage) => damage.id === selected);
  select(rows[(at + step + rows.length) % rows.length].id);
}

/** On to the next undecided damage of this photo, if there is one. */
function advance() {
  const rows = damagesOf(photoShown());
  const at = rows.findIndex((damage) => damage.id === selected);
  const rest = [...rows.slice(at + 1), ...rows.slice(0, at)].find((damage) => damage.state === "created");
  if (rest) select(rest.id);
}

/** Show a damage wherever it is. */
function reveal(id) {
  const damage = damages.find((row) => row.id === id);
  if (!damage) return;
  const index = data.photos.findIndex((photo) => photo.id === damage.photo);
  if (index !== current) showPhoto(index);
  select(id);
}

// --- what is done --------------------------------------------------------------------------------------------------

/** Say what went wrong, with a way out if there is one. */
function complain(message, { label, act } = {}) {
  const alert = byId("alert");
  const way = label ? h("button", { type: "button", class: "ip-button", onclick: () => { alert.hidden = true; act(); } }, label) : null;
  alert.replaceChildren(...[message, way].filter(Boolean));
  alert.hidden = false;
}

/** Send a change; true when it was made. A refusal is shown, and the loss of the set ends the work. */
async function send(path, values, onDone) {
  if (!canWork || isLost) return false;
  viewer.setAttribute("aria-busy", "true");
  try {
    const answer = await client.post(path, values);
    byId("alert").hidden = true;
    if (answer.lock) lock.set(answer.lock.seconds);
    onDone(answer);
    return true;
  } catch (refusal) {
    if (refusal.data?.held === false) lose(refusal.message);
    else onRefused(refusal);
    return false;
  } finally {
    viewer.removeAttribute("aria-busy");
  }
}

function onRefused(refusal) {
  if (refusal.data === undefined) throw refusal; // a mistake of this script, not a refusal
  complain(refusal.message);
}

function lose(message) {
  isLost = true;
  lock.stop();
  byId("lost-text").textContent = message;
  endDrawing();
  draw();
  byId("lost-dialog").showModal();
}

function replace({ changes }) {
  changes.forEach(replaceOne);
}

function replaceOne({ id, damage }) {
  const at = damages.findIndex((row) => row.id === id);
  const gone = damages[at];
  if (damage && at >= 0) damages = damages.with(at, damage);
  else if (damage) damages = [...damages, damage];
  else damages = damages.filter((row) => row.id !== id);
  // What was made of a weaker proposal is one again when it goes.
  weaker.take(damage?.fromWeaker ?? gone?.fromWeaker, Boolean(damage));
  if (!damage && selected === id) selected = damagesOf(photoShown())[0]?.id ?? null;
}

async function change(id, path, values = {}) {
  return send(`damages/${id}/${path}/`, values, (answer) => {
    replace(answer);
    draw();
  });
}

const acts = {
  select,

  async decide(id, action, family = false) {
    if (weaker.find(id)) {
      if (action === "accept") await addWeaker(id);
      return;
    }
    if (selected !== id) select(id);
    const ids = family ? familyOf(id) : [id];
    done.push(ids);
    const sent = change(id, "decide", { action, family });
    advance();
    if (!(await sent)) {
      done.splice(done.lastIndexOf(ids), 1);
      reveal(id);
    }
  },

  async categorise(id, category) {
    document.activeElement?.blur(); // the keys work again
    if (await change(id, "category", { category })) done.push([id]);
    else draw(); // the old word
  },

  async remove(id) {
    if (await change(id, "delete")) {
      done.push([id]);
      complain("Deleted.", { label: "Undo", act: () => acts.undo(id) });
    }
  },

  async undo(...ids) {
    const at = done.findLastIndex((list) => list.includes(ids[0]));
    if (at >= 0) done[at] = done[at].filter((id) => !ids.includes(id));
    if (at >= 0 && !done[at].length) done.splice(at, 1);
    for (const id of ids) if (!(await change(id, "undo"))) return;
    reveal(ids[0]);
  },
};

/** The ids of a damage's sightings, its own first. */
function familyOf(id) {
  const family = damages.find((row) => row.id === id)?.family;
  return [id, ...damages.filter((row) => row.family === family && row.id !== id).map((row) => row.id)];
}

function withSelected(act) {
  const damage = shown().find((row) => row.id === selected);
  if (damage) act(damage);
}

/** Make a damage of a weaker proposal. */
async function addWeaker(id) {
  await send(`weaker/${id}/add/`, {}, (answer) => {
    const [change] = answer.changes;
    done.push([change.id]);
    replace(answer);
    select(change.id);
  });
}

async function toggleWeaker() {
  const toggled = weaker.toggle();
  draw();
  await toggled.catch(onRefused);
  setPressed("more", weaker.state === "on");
  if (!shown().some((row) => row.id === selected)) selected = shown()[0]?.id ?? null;
  draw();
}

// --- drawing -------------------------------------------------------------------------------------------------------

function beginDrawing() {
  if (!photoShown().url || isLost) return;
  byId("draw-form").hidden = false;
  setPressed("draw", true);
  stage.draw(true);
  byId("announcer").textContent = byId("draw-hint").textContent;
}

function endDrawing() {
  if (!canWork || byId("draw-form").hidden) return;
  byId("draw-form").hidden = true;
  setPressed("draw", false);
  stage.draw(false);
  document.activeElement?.blur();
}

async function saveDrawing() {
  const category = byId("draw-category").value;
  const polygon = stage.polygon();
  await send(`photos/${photoShown().id}/draw/`, { polygon, category }, (answer) => {
    const [{ id }] = answer.changes;
    done.push([id]);
    replace(answer);
    endDrawing();
    select(id);
  });
}

function drawingKey(event) {
  if (byId("draw-form").hidden || document.querySelector("dialog[open]")) return;
  const isChoosing = event.target.id === "draw-category";
  if (event.key === "Escape") endDrawing();
  else if (event.key === "Enter" && event.target.tagName !== "BUTTON") saveDrawing();
  else if (event.key === "c" && !isChoosing) byId("draw-category").focus();
  else if (ARROWS[event.key] && !isChoosing) stage.nudge(...ARROWS[event.key], event.shiftKey);
  else return;
  event.preventDefault();
}

function setPressed(act, isOn) {
  viewer.querySelector(`[data-act="${act}"]`)?.setAttribute("aria-pressed", `${isOn}`);
}

// --- the end of the work -------------------------------------------------------------------------------------------

async function finish(next, confirmed = null) {
  if (isLost) return;
  try {
    const { location } = await client.post("finish/", { next, confirmed });
    leave(location);
  } catch (refusal) {
    const left = refusal.data?.undecided;
    if (refusal.data?.held === false) lose(refusal.message);
    else if (left === undefined) onRefused(refusal);
    else if (await ask(`${left === 1 ? "One proposal is" : `${left} proposals are`} undecided and will stay proposed. Finish anyway?`, "Finish")) {
      finish(next, left);
    }
  }
}

async function skip() {
  if (isLost || !(await ask("Nobody will annotate or review this set; what the models found stays as it is. Skip it?", "Skip"))) return;
  await send("skip/", { next: false }, ({ location }) => leave(location));
}

function leave(location) {
  lock.stop();
  window.location.assign(location);
}

const renew = () => send("renew/", {}, () => undefined);

const lock = canWork && new Lock({
  node: byId("lock"), keep: byId("keep"), seconds: data.lock.seconds, renew,
  onOver: () => complain("Your time with this set is over: anybody may take it now.", { label: "Go on with it", act: renew }),
});

// --- keys and buttons ----------------------------------------------------------------------------------------------

function toggleOutlines() {
  stage.setOutlines(!stage.showsOutlines);
  setPressed("outlines", stage.showsOutlines);
}

function zoomToDamage() {
  if (stage.isZoomed) stage.fit();
  else withSelected((damage) => stage.closeTo(damage));
}

const RUN = {
  accept: () => withSelected((damage) => acts.decide(damage.id, "accept")),
  reject: () => withSelected((damage) => acts.decide(damage.id, "reject")),
  "accept-family": () => withSelected((damage) => acts.decide(damage.id, "accept", true)),
  "reject-family": () => withSelected((damage) => acts.decide(damage.id, "reject", true)),
  undo: () => (done.length ? acts.undo(...done.at(-1)) : withSelected((damage) => damage.canUndo && acts.undo(damage.id))),
  delete: () => withSelected((damage) => damage.canDelete && acts.remove(damage.id)),
  category: () => withSelected((damage) => byId("damages").querySelector(`[data-key="category-${damage.id}"]`)?.focus()),
  draw: () => (byId("draw-form").hidden ? beginDrawing() : endDrawing()),
  "draw-cancel": endDrawing,
  next: () => move(1),
  previous: () => move(-1),
  "photo-next": () => showPhoto(current + 1),
  "photo-previous": () => showPhoto(current - 1),
  "zoom-in": () => stage.zoom(1.5),
  "zoom-out": () => stage.zoom(1 / 1.5),
  "zoom-all": () => stage.fit(),
  "zoom-damage": zoomToDamage,
  outlines: toggleOutlines,
  more: toggleWeaker,
  help: () => byId("help-dialog").showModal(),
  keep: renew,
  skip,
  finish: () => finish(false),
  "finish-next": () => finish(true),
};

function start() {
  byId("help-keys").append(...KEYS.filter((row) => canWork || !row.works).flatMap(({ keys, text }) => [
    h("dt", {}, ...keys.slice(0, 1).map((key) => h("kbd", {}, key))), h("dd", {}, text),
  ]));
  document.addEventListener("click", (event) => {
    const act = event.target.closest?.("[data-act]")?.dataset.act;
    if (act) RUN[act]();
  });
  byId("potential").addEventListener("change", (event) => {
    showsPotential = event.target.checked;
    draw();
  });
  if (canWork) {
    for (const [value, label] of labels) byId("draw-category").append(h("option", { value }, label));
    byId("draw-category").value = "lineScratches";
    byId("draw-form").addEventListener("submit", (event) => { event.preventDefault(); saveDrawing(); });
    byId("lost-dialog").addEventListener("cancel", (event) => event.preventDefault());
    document.addEventListener("keydown", drawingKey);
    renew();
  }
  listen({ canWork, run: (act) => RUN[act]() });
  const first = data.photos.findIndex((photo) => damagesOf(photo).some((damage) => damage.state === "created"));
  showPhoto(canWork && first > 0 ? first : 0);
  viewer.dataset.ready = "yes";
}

start();
