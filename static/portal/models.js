// Pages of models: a form that takes its time says so; photos tell whether they came; keys go from photo to photo.

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    document.getElementById(form.dataset.busy).hidden = false;
    // After the browser has read the form, or the button would not be sent.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
}
// Back from the next page by the browser's own button: the form is as it was.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-busy]")) {
    document.getElementById(form.dataset.busy).hidden = true;
    form.querySelectorAll("button").forEach((button) => (button.disabled = false));
  }
});

for (const place of document.querySelectorAll("[data-photo]")) {
  const picture = place.querySelector("img");
  const note = place.querySelector("[role=status]");
  const arrived = () => (place.dataset.photo = "here");
  const failed = () => {
    place.dataset.photo = "gone";
    note.textContent = "The picture cannot be shown.";
  };
  if (picture.complete) (picture.naturalWidth ? arrived : failed)();
  picture.addEventListener("load", arrived);
  picture.addEventListener("error", failed);
}

const photos = [...document.querySelectorAll(".ip-pair")];
const TYPING = "input:not([type=checkbox]), select, textarea";

function go(step) {
  const here = photos.indexOf(document.activeElement.closest(".ip-pair"));
  const next = here < 0 && step < 0 ? -1 : here + step;
  const rel = step > 0 ? "next" : "prev";
  if (photos[next]) {
    photos[next].focus({ preventScroll: true });
    photos[next].scrollIntoView({ block: "start" });
  } else {
    const link = document.querySelector(`.ip-pages a[rel=${rel}]`);
    // The first photo of the next page, the last of the one before.
    if (link) location.href = `${link.href}#${step > 0 ? "first" : "last"}`;
  }
}

if (location.hash === "#first") photos.at(0)?.focus();
if (location.hash === "#last") photos.at(-1)?.focus();
if (photos.length) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.target.closest(TYPING)) return;
    const step = { n: 1, p: -1 }[event.key.toLowerCase()];
    if (!step) return;
    event.preventDefault();
    go(step);
  });
}
