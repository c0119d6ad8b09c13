"use strict";

// The colours of the page: those of the system, until the button is used.
{
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  const remember = (change) => { try { return change(localStorage); } catch { return null; } }; // some browsers have none for files
  const kept = remember((storage) => storage.getItem("glmha-theme"));
  if (kept) root.dataset.theme = kept;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember((storage) => storage.setItem("glmha-theme", root.dataset.theme));
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}
