// The photo with its outlines: an SVG in the photo's own pixels. Zooming and moving change its view box.

import { s, h } from "./dom.js";

const LARGEST_ZOOM = 12;
const MARGIN = 3; // a damage is shown in this many times its own size,
const CLOSER = 1.6; // but a large one is brought this much closer at least
const SMALLEST_BOX = 0.004; // of the photo's side: anything smaller was a click, not a box

const between = (low, value, high) => Math.min(Math.max(value, low), high);

/** The upright box around a polygon of [x, y] in 0..1, in pixels of the photo. */
function boxOf(polygon, photo) {
  const xs = polygon.map(([x]) => x * photo.width);
  const ys = polygon.map(([, y]) => y * photo.height);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

export class Stage {
  /** `onSelect(id)` hears of a click on an outline, `onDrawn()` of a box that was drawn with the pointer. */
  constructor({ svg, note, frame, onSelect, onDrawn }) {
    Object.assign(this, { svg, note, frame, onSelect, onDrawn });
    this.photo = null;
    this.marks = [];
    this.selected = null;
    this.showsOutlines = true;
    this.box = null; // the new damage, in pixels: {x, y, width, height}
    this.isDrawing = false;
    svg.addEventListener("pointerdown", (event) => this.#grab(event));
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.photo && this.#draw()).observe(svg);
  }

  /** Show a photo from its beginning. */
  show(photo) {
    this.photo = photo;
    this.box = null;
    const { width, height } = photo;
    this.picture = s("image", { width, height, href: photo.url || null, preserveAspectRatio: "none" });
    this.overlay = s("g");
    this.svg.replaceChildren(this.picture, this.overlay);
    this.fit();
    if (photo.url) this.#load();
    else this.note.replaceChildren("This photo is not published yet.");
  }

  /** Draw these damages; `selected` is the id of the one people look at. */
  mark(damages, selected) {
    this.marks = damages;
    this.selected = selected;
    this.#draw();
  }

  /** The whole photo. */
  fit() {
    this.view = { x: 0, y: 0, width: this.photo.width || 1, height: this.photo.height || 1 };
    this.isZoomed = false;
    this.#draw();
  }

  /** Close to one damage. */
  closeTo(damage) {
    const box = boxOf(damage.polygon, this.photo);
    const zoom = Math.min(
      this.photo.width / Math.max(box.width * MARGIN, 1),
      this.photo.height / Math.max(box.height * MARGIN, 1),
    );
    this.#look(box.x + box.width / 2, box.y + box.height / 2, Math.max(zoom, CLOSER));
  }

  /** Larger (factor above 1) or smaller around a point of the photo, by default the middle of what is seen. */
  zoom(factor, at = null) {
    const { x, y, width, height } = this.view;
    const point = at || { x: x + width / 2, y: y + height / 2 };
    const zoom = between(1, (this.photo.width / width) * factor, LARGEST_ZOOM);
    const scale = this.photo.width / zoom / width;
    this.#look(point.x + (x + width / 2 - point.x) * scale, point.y + (y + height / 2 - point.y) * scale, zoom);
  }

  /** Begin or end drawing a box; a box in the middle is ready for the keyboard. */
  draw(isOn) {
    this.isDrawing = isOn;
    this.frame.classList.toggle("ip-drawing", isOn);
    const { x, y, width, height } = this.view;
    this.box = isOn ? { x: x + width * 0.4, y: y + height * 0.4, width: width * 0.2, height: height * 0.2 } : null;
    this.#draw();
  }

  /** Move the new box (or its lower right corner) by a step of what is seen. */
  nudge(dx, dy, isSizing) {
    const step = { x: dx * this.view.width * 0.01, y: dy * this.view.height * 0.01 };
    const { box, photo } = this;
    if (isSizing) {
      box.width = between(photo.width * SMALLEST_BOX, box.width + step.x, photo.width - box.x);
      box.height = between(photo.height * SMALLEST_BOX, box.height + step.y, photo.height - box.y);
    } else {
      box.x = between(0, box.x + step.x, photo.width - box.width);
      box.y = between(0, box.y + step.y, photo.height - box.height);
    }
    this.#draw();
  }

  /** The new box as a polygon of [x, y] in 0..1. */
  polygon() {
    const { x, y, width, height } = this.box;
    const point = (px, py) => [between(0, px / this.photo.width, 1), between(0, py / this.photo.height, 1)];
    return [point(x, y), point(x + width, y), point(x + width, y + height), point(x, y + height)];
  }

  setOutlines(isOn) {
    this.showsOutlines = isOn;
    this.#draw();
  }

  #load() {
    this.note.replaceChildren("Loading the photo…");
    this.picture.addEventListener("load", () => this.note.replaceChildren());
    this.picture.addEventListener("error", () => {
      const retry = h("button", { type: "button", class: "ip-button", onclick: () => this.show(this.photo) }, "Try again");
      this.note.replaceChildren("The photo could not be loaded.", retry);
    });
  }

  #look(x, y, zoom) {
    const { width, height } = this.photo;
    const factor = between(1, zoom, LARGEST_ZOOM);
    const view = { width: width / factor, height: height / factor };
    view.x = between(0, x - view.width / 2, width - view.width);
    view.y = between(0, y - view.height / 2, height - view.height);
    this.view = view;
    this.isZoomed = factor > 1;
    this.#draw();
  }

  /** Pixels of the photo in one pixel of the screen. */
  #scale() {
    const frame = this.svg.getBoundingClientRect();
    return Math.max(this.view.width / (frame.width || 1), this.view.height / (frame.height || 1));
  }

  #draw() {
    const { x, y, width, height } = this.view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    const marks = this.showsOutlines ? this.marks : this.marks.filter((damage) => damage.id === this.selected);
    const ordered = [...marks].sort((a, b) => (a.id === this.selected) - (b.id === this.selected));
    this.overlay.replaceChildren(...ordered.flatMap((damage) => this.#outline(damage)));
    if (this.box) this.overlay.append(s("rect", { class: "ip-new", ...this.box }));
  }

  #outline(damage) {
    const { width, height } = this.photo;
    const points = damage.polygon.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    const selected = damage.id === this.selected ? " ip-selected" : "";
    return [
      s("polygon", { points, class: `ip-halo${selected}` }),
      s("polygon", { points, class: `ip-mark ip-${damage.state}${selected}`, "data-damage": damage.id }),
      this.#number(damage),
    ];
  }

  /** The number at the highest point of the outline; below the lowest where there is no room above. */
  #number(damage) {
    const size = 14 * this.#scale();
    const rows = [...damage.polygon].sort(([, a], [, b]) => a - b);
    const isAbove = rows[0][1] * this.photo.height - size > this.view.y;
    const [x, y] = isAbove ? rows[0] : rows.at(-1);
    const place = { x: x * this.photo.width, y: y * this.photo.height + size * (isAbove ? -0.4 : 1.2) };
    return s("text", { class: "ip-number", "font-size": size, ...place }, `${damage.number}`);
  }

  #point(event) {
    const matrix = this.svg.getScreenCTM();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return { x: between(0, point.x, this.photo.width), y: between(0, point.y, this.photo.height) };
  }

  #wheel(event) {
    // Plain scrolling stays the page's; with Ctrl (a pinch on a touchpad) it is the photo's.
    if (!event.ctrlKey || !this.photo) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.#point(event));
  }

  #grab(event) {
    if (!this.photo || event.button !== 0) return;
    const id = event.target.dataset?.damage;
    this.svg.setPointerCapture(event.pointerId);
    if (this.isDrawing) this.#drag(event, (start, now) => this.#span(start, now), () => this.#drawn());
    else if (id) this.onSelect(id);
    else this.#drag(event, null, null, { ...this.view, clientX: event.clientX, clientY: event.clientY });
  }

  #drag(down, onMove, onEnd, from = null) {
    const start = this.#point(down);
    const move = (event) => (from ? this.#pan(event, from) : onMove(start, this.#point(event)));
    const end = () => {
      this.svg.removeEventListener("pointermove", move);
      if (onEnd) onEnd();
    };
    this.svg.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, end, { once: true });
  }

  #pan(event, from) {
    const scale = this.#scale();
    const x = from.x - (event.clientX - from.clientX) * scale + from.width / 2;
    const y = from.y - (event.clientY - from.clientY) * scale + from.height / 2;
    this.#look(x, y, this.photo.width / from.width);
  }

  #span(start, now) {
    this.box = {
      x: Math.min(start.x, now.x),
      y: Math.min(start.y, now.y),
      width: Math.abs(start.x - now.x),
      height: Math.abs(start.y - now.y),
    };
    this.#draw();
  }

  #drawn() {
    const least = SMALLEST_BOX * Math.max(this.photo.width, this.photo.height);
    if (this.box.width < least || this.box.height < least) this.draw(true);
    else this.onDrawn();
  }
}
