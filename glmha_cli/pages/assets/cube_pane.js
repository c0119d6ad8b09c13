"use strict";

// What all panes share: which part of the pictures is seen (its centre in pixels, and how much it is enlarged).
class Sight {
  static LARGEST = 32;

  constructor(width, height) {
    Object.assign(this, { width, height, zoom: 1, x: width / 2, y: height / 2 });
  }

  enlarge(factor, at = this) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), Sight.LARGEST);
    const share = 1 - this.zoom / zoom; // what is under the pointer stays there
    this.zoom = zoom;
    this.moveTo(this.x + (at.x - this.x) * share, this.y + (at.y - this.y) * share);
  }

  moveTo(x, y) {
    const [w, h] = [this.width / this.zoom / 2, this.height / this.zoom / 2];
    this.x = Math.min(Math.max(x, w), this.width - w);
    this.y = Math.min(Math.max(y, h), this.height - h);
  }

  fit() {
    this.zoom = 1;
    this.moveTo(this.width / 2, this.height / 2);
  }
}

// One picture on the page, with the areas whose spectra are shown.
class Pane {
  constructor(page, title, paint) {
    this.page = page;
    this.title = title;
    this.paint = paint; // () => {rgba, range, map, unit}
    this.element = document.getElementById("pane").content.cloneNode(true).querySelector(".pane");
    this.canvas = this.element.querySelector(":scope > canvas");
    this.picture = new OffscreenCanvas(page.sight.width, page.sight.height);
    this.canvas.style.aspectRatio = `${page.sight.width} / ${page.sight.height}`;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  refresh() {
    const { rgba, range, map, unit } = this.paint();
    const title = typeof this.title === "function" ? this.title() : this.title;
    this.element.querySelector("figcaption b").textContent = title;
    this.canvas.setAttribute("aria-label", `${title}: click or drag for spectra; arrow keys move the cross, Enter takes its pixel`);
    this.picture.getContext("2d").putImageData(new ImageData(rgba, this.picture.width), 0, 0);
    this.showScale(range, map, unit);
    this.draw();
  }

  showScale(range, map, unit = "") {
    const scale = this.element.querySelector(".scale");
    scale.hidden = !range;
    if (!range) return;
    const bar = scale.querySelector("canvas");
    bar.width = 256; bar.height = 1;
    const values = Float32Array.from({ length: 256 }, (_, i) => i);
    bar.getContext("2d").putImageData(new ImageData(mapped(values, [0, 255], map), 256), 0, 0);
    [...scale.querySelectorAll("span")].forEach((span, i) => { span.textContent = `${shortly(range[i])}${unit}`; });
  }

  get unitsPerPixel() { // of the canvas, for a pixel of the picture
    return (this.canvas.width / this.page.sight.width) * this.page.sight.zoom;
  }

  toCanvas(x, y) {
    const { sight } = this.page;
    return [(x - sight.x) * this.unitsPerPixel + this.canvas.width / 2, (y - sight.y) * this.unitsPerPixel + this.canvas.height / 2];
  }

  toPixel(event) { // the place under a pointer, in pixels of the picture, with fractions
    const box = this.canvas.getBoundingClientRect();
    const { sight } = this.page;
    const across = (event.clientX - box.left) / box.width - 0.5, down = (event.clientY - box.top) / box.height - 0.5;
    return { x: sight.x + (across * sight.width) / sight.zoom, y: sight.y + (down * sight.height) / sight.zoom };
  }

  draw() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    [this.canvas.width, this.canvas.height] = [Math.round(box.width * devicePixelRatio), Math.round(box.height * devicePixelRatio)];
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = this.unitsPerPixel < 1;
    const { sight } = this.page;
    const [w, h] = [sight.width / sight.zoom, sight.height / sight.zoom];
    context.drawImage(this.picture, sight.x - w / 2, sight.y - h / 2, w, h, 0, 0, this.canvas.width, this.canvas.height);
    for (const area of [...this.page.areas, this.page.drawn]) if (area) this.outline(context, area);
    if (document.activeElement === this.canvas) this.cross(context, this.page.cross);
  }

  outline(context, { x0, y0, x1, y1, colour, label }) {
    const line = 2 * devicePixelRatio;
    let [left, top] = this.toCanvas(x0, y0), [right, bottom] = this.toCanvas(x1, y1);
    const grown = Math.max(0, (7 * devicePixelRatio - (right - left)) / 2); // a pixel may be too small to be seen
    if (x1 - x0 === 1 && y1 - y0 === 1) [left, top, right, bottom] = [left - grown, top - grown, right + grown, bottom + grown];
    for (const [width, stroke] of [[2 * line, "#fff"], [line, colour ?? "#000"]]) {
      Object.assign(context, { lineWidth: width, strokeStyle: stroke });
      context.strokeRect(left, top, right - left, bottom - top);
    }
    if (!label) return;
    Object.assign(context, { font: `600 ${12 * devicePixelRatio}px system-ui`, lineWidth: 1.5 * line, strokeStyle: "#fff", fillStyle: "#000" });
    context.strokeText(label, right + line, top - line);
    context.fillText(label, right + line, top - line);
  }

  cross(context, { x, y }) {
    const [left, top] = this.toCanvas(x + 0.5, y + 0.5), arm = 9 * devicePixelRatio;
    for (const [width, stroke] of [[4, "#fff"], [1.5, "#000"]]) {
      Object.assign(context, { lineWidth: width * devicePixelRatio, strokeStyle: stroke });
      context.beginPath();
      context.moveTo(left - arm, top); context.lineTo(left + arm, top);
      context.moveTo(left, top - arm); context.lineTo(left, top + arm);
      context.stroke();
    }
  }

  listen() {
    const { page, canvas } = this;
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      start = { event, ...this.toPixel(event), sight: { x: page.sight.x, y: page.sight.y }, moves: page.moves !== event.shiftKey };
    });
    canvas.addEventListener("pointermove", (event) => {
      const place = this.toPixel(event);
      page.point(this, place);
      if (!start) return;
      if (start.moves) page.moveBy(start, event, canvas.getBoundingClientRect().width);
      else page.draft(start, place);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (start && !start.moves) page.take(start, this.toPixel(event));
      start = null;
    });
    canvas.addEventListener("pointercancel", () => { start = null; page.draft(null); });
    canvas.addEventListener("pointerleave", () => page.point(this, null));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      page.enlarge(event.deltaY < 0 ? 1.25 : 0.8, this.toPixel(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => page.crossKey(this, event));
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => this.draw());
  }
}

function shortly(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "no data";
}
