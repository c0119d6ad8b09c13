"use strict";

// The page: what is shown and chosen, the panes, the plot, and what keys and buttons do.
class CubePage {
  static COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a6d00", "#7f7f7f"]; // Okabe and Ito's, but yellow and black
  static PLAY_MS = 150;
  static CLICK_PX = 4; // a drag of less is a click

  constructor(facts, cubes) {
    Object.assign(this, { facts, cubes, areas: [], drawn: null, moves: false, playing: null });
    this.sight = new Sight(cubes[0].width, cubes[0].height);
    this.cross = { x: Math.floor(cubes[0].width / 2), y: Math.floor(cubes[0].height / 2) };
    [this.positions, this.positionsName] = facts.wavelength_nm.length
      ? [facts.wavelength_nm, "wavelength (nm)"]
      : [Array.from({ length: cubes[0].bands }, (_, i) => i), "band"];
    this.rgb = facts.rgb;
    this.band = facts.rgb[1];
    this.controls = document.getElementById("controls");
    this.mode = facts.observer ? "observer" : "bands";
    this.observed = new Map();
    this.plot = new SpectraPlot(document.getElementById("plot"), this);
    this.addPanes();
    this.addControls();
    this.update();
    this.plot.show();
  }

  nameOf(band) {
    return this.facts.wavelength_nm.length ? `${asNumber(this.positions[band])} nm` : `band ${band}`;
  }

  addPanes() {
    const truth = this.cubes.at(-1);
    this.panes = this.cubes.map((cube) => new Pane(this, cube.name, () => this.pictureOf(cube)));
    for (const cube of this.cubes.slice(0, -1)) {
      const title = () => DIFFERENCES[this.comparison].title + (this.cubes.length > 2 ? `: ${cube.name}` : "");
      this.panes.push(new Pane(this, title, () => this.comparisonOf(cube, truth)));
    }
    document.getElementById("panes").append(...this.panes.map((pane) => pane.element));
  }

  // Pictures

  pictureOf(cube) {
    const map = this.controls.elements.map.value;
    if (this.mode === "band") {
      const range = this.rangeOf(this.band);
      return { rgba: mapped(cube.band(this.band), range, map), range, map };
    }
    const weights = Array.from({ length: cube.bands }, () => [0, 0, 0]);
    if (this.mode === "bands") this.rgb.forEach((band, i) => { weights[band][i] = 1; });
    const key = `${this.cubes.indexOf(cube)} ${this.mode === "bands" ? this.rgb : ""}`;
    if (!this.observed.has(key)) {
      this.observed.clear();
      for (const each of this.cubes) this.observed.set(`${this.cubes.indexOf(each)} ${this.mode === "bands" ? this.rgb : ""}`, each.weighted(this.mode === "bands" ? weights : this.facts.observer));
    }
    return { rgba: asScreen(this.observed.get(key), 2 ** this.controls.elements.gain.valueAsNumber) };
  }

  rangeOf(band) { // one for all cubes, so that they can be compared
    const ranges = this.cubes.map((cube) => quantiles(cube.band(band), [0.01, 0.99]));
    return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
  }

  get comparison() { return this.controls.elements.comparison.value; }

  comparisonOf(cube, truth) {
    const { signed, unit, to } = DIFFERENCES[this.comparison];
    const values = differenceOf(this.comparison, cube, truth, this.band);
    const [low, high] = quantiles(values, [0.01, 0.99]);
    const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const range = signed ? [-most, most] : [to === undefined ? 0 : Math.min(low, 0.9), to ?? high];
    const map = signed ? "signed" : this.controls.elements.map.value;
    return { rgba: mapped(values, range, map), range, map, unit };
  }

  update() {
    this.panes.forEach((pane) => pane.refresh());
    this.plot.redraw();
    const { elements } = this.controls;
    elements.mode.value = this.mode;
    elements.band.value = this.band;
    elements.band.setAttribute("aria-valuetext", this.nameOf(this.band));
    document.getElementById("band-name").textContent = this.nameOf(this.band);
    for (const [name, modes] of [["rgb", ["bands"]], ["gain", ["observer", "bands"]]]) {
      document.getElementById(`${name}-controls`).hidden = !modes.includes(this.mode);
    }
    this.listAreas();
  }

  draw() {
    this.panes.forEach((pane) => pane.draw());
    document.getElementById("zoom").textContent = `${Math.round(100 * this.sight.zoom)} %`;
  }

  selectBand(band) {
    this.band = Math.min(Math.max(band, 0), this.positions.length - 1);
    this.mode = "band";
    this.update();
  }

  play() {
    clearInterval(this.playing);
    this.playing = this.playing ? null : setInterval(() => this.selectBand((this.band + 1) % this.positions.length), CubePage.PLAY_MS);
    document.querySelector("[data-do=play]").setAttribute("aria-pressed", String(Boolean(this.playing)));
  }

  // Pointers and the cross

  point(pane, place) {
    const readout = document.getElementById("readout");
    if (!place) { readout.textContent = ""; return; }
    const [x, y] = [Math.floor(place.x), Math.floor(place.y)].map((each, i) => Math.min(Math.max(each, 0), (i ? this.sight.height : this.sight.width) - 1));
    const values = this.cubes.map((cube) => shortly(cube.value(this.band, y * cube.width + x))).join(" · ");
    readout.textContent = `x ${x * this.facts.reduced}, y ${y * this.facts.reduced}: ${values} at ${this.nameOf(this.band)}`;
  }

  areaOf(one, other) {
    const ends = (a, b, size) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map((each) => Math.min(Math.max(Math.floor(each), 0), size - 1));
      return [low, high + 1];
    };
    const [[x0, x1], [y0, y1]] = [ends(one.x, other.x, this.sight.width), ends(one.y, other.y, this.sight.height)];
    return { x0, y0, x1, y1 };
  }

  draft(start, place) {
    this.drawn = start && this.areaOf(start, place);
    this.draw();
  }

  take(start, place) {
    const scale = this.panes[0].unitsPerPixel / devicePixelRatio;
    const isClick = Math.hypot(place.x - start.x, place.y - start.y) * scale < CubePage.CLICK_PX;
    this.drawn = null;
    this.addArea(this.areaOf(start, isClick ? start : place));
  }

  moveBy(start, event, width) {
    const scale = (width / this.sight.width) * this.sight.zoom;
    this.sight.moveTo(start.sight.x - (event.clientX - start.event.clientX) / scale, start.sight.y - (event.clientY - start.event.clientY) / scale);
    this.draw();
  }

  enlarge(factor, at) {
    this.sight.enlarge(factor, at);
    this.draw();
  }

  crossKey(pane, event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = event.shiftKey ? 10 : 1;
    if (moves[event.key]) {
      const [x, y] = moves[event.key].map((each) => each * step);
      this.cross = { x: Math.min(Math.max(this.cross.x + x, 0), this.sight.width - 1), y: Math.min(Math.max(this.cross.y + y, 0), this.sight.height - 1) };
      this.point(pane, this.cross);
      this.draw();
    } else if (event.key === "Enter") {
      this.addArea(this.areaOf(this.cross, this.cross));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Areas and their spectra

  async addArea(area) {
    const used = new Set(this.areas.map((each) => each.colour));
    const colour = CubePage.COLOURS.find((each) => !used.has(each)) ?? CubePage.COLOURS[this.areas.length % CubePage.COLOURS.length];
    const label = String(1 + this.areas.reduce((most, each) => Math.max(most, Number(each.label)), 0));
    const spectra = await this.spectraOf(area);
    this.areas.push({ ...area, colour, label, spectra });
    this.areasChanged();
  }

  async spectraOf(area) {
    if (!this.facts.served) return this.cubes.map((cube) => cube.spectrum(area));
    const { reduced, size } = this.facts; // of the whole cube, which the program that serves the page has
    const asked = new URLSearchParams({ x0: area.x0 * reduced, y0: area.y0 * reduced, x1: Math.min(area.x1 * reduced, size[1]), y1: Math.min(area.y1 * reduced, size[0]) });
    return (await fetch(`spectra?${asked}`)).json();
  }

  removeArea(area) {
    this.areas = this.areas.filter((each) => each !== area);
    this.areasChanged();
  }

  areasChanged() {
    this.draw();
    this.plot.show();
    this.listAreas();
  }

  placeOf({ x0, y0, x1, y1 }) {
    const { reduced } = this.facts;
    const [w, h] = [(x1 - x0) * reduced, (y1 - y0) * reduced];
    return w * h === 1 ? `x ${x0}, y ${y0}` : `${w} x ${h} px at x ${x0 * reduced}, y ${y0 * reduced}`;
  }

  listAreas() {
    const list = document.getElementById("areas");
    list.replaceChildren(...this.areas.map((area) => {
      const row = document.getElementById("area").content.cloneNode(true).querySelector("li");
      row.querySelector(".swatch").style.setProperty("--colour", area.colour);
      row.querySelector("b").textContent = area.label;
      row.querySelector(".place").textContent = this.placeOf(area);
      row.querySelector(".values").textContent = this.valuesOf(area);
      row.querySelector("button").setAttribute("aria-label", `Remove ${area.label}`);
      row.querySelector("button").addEventListener("click", () => this.removeArea(area));
      return row;
    }));
    document.getElementById("no-areas").hidden = this.areas.length > 0;
  }

  valuesOf({ spectra }) {
    const truth = spectra.at(-1).mean;
    const isPixel = spectra.every(({ spread }) => !spread.some(Boolean));
    const texts = spectra.map(({ mean, spread }, i) => {
      const name = this.cubes.length > 1 ? `${this.cubes[i].name} ` : "";
      return name + shortly(mean[this.band] ?? NaN) + (isPixel ? "" : ` ± ${shortly(spread[this.band] ?? NaN)}`);
    });
    spectra.slice(0, -1).forEach(({ mean }) => {
      const sums = sumsOf((band) => mean[band] ?? NaN, (band) => truth[band] ?? NaN, mean.length);
      texts.push(`correlation ${shortly(DIFFERENCES.correlation.of(sums))}, RMSE ${shortly(DIFFERENCES.rmse.of(sums))}`);
    });
    return `${texts.join(" · ")} (${this.nameOf(this.band)})`;
  }
}

function asNumber(value) {
  return String(Number(value.toPrecision(5)));
}
