// The tenant switcher: choosing is enough, the button is for browsers without scripts.
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.matches("[data-submits-itself]")) {
    event.target.form.requestSubmit();
  }
});
