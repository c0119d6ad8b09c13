"use strict";

// What buttons, keys and files have to do with the page.
Object.assign(CubePage.prototype, {
  addControls() {
    const { elements } = this.controls;
    elements.band.max = this.positions.length - 1;
    elements.band.addEventListener("input", () => this.selectBand(elements.band.valueAsNumber));
    elements.mode.addEventListener("change", () => { this.mode = elements.mode.value; this.update(); });
    for (const name of ["map", "gain", "comparison"]) elements[name].addEventListener("input", () => this.update());
    elements.gain.value = Math.log2(this.facts.gain);
    [elements.red, elements.green, elements.blue].forEach((select, i) => {
      this.positions.forEach((_, band) => select.add(new Option(this.nameOf(band), band, false, band === this.rgb[i])));
      select.addEventListener("change", () => { this.rgb = this.rgb.with(i, Number(select.value)); this.update(); });
    });
    if (!this.facts.observer) elements.mode.querySelector("[value=observer]").remove();
    document.getElementById("comparison-controls").hidden = document.getElementById("lines").hidden = this.cubes.length < 2;
    document.getElementById("lines").textContent = this.cubes.map(({ name }, i) => `${["solid", "dashed", "dotted"][i]}: ${name}`).join(", ");
    document.getElementById("viewer").classList.toggle("single", this.cubes.length === 1);
    const actions = {
      play: () => this.play(), in: () => this.enlarge(1.5), out: () => this.enlarge(1 / 1.5), fit: () => { this.sight.fit(); this.draw(); },
      move: () => this.toggleMove(), csv: () => this.saveCsv(), picture: () => this.savePicture(), plot: () => this.savePlot(),
      clear: () => { this.areas = []; this.areasChanged(); },
    };
    for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", actions[button.dataset.do]);
    this.listenToKeys(actions);
  },

  listenToKeys(actions) {
    const modes = { o: "observer", r: "bands", b: "band" };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input[type=text]")) return;
      const isButton = event.target.closest("button");
      const key = event.key.toLowerCase();
      if (key === "[" || key === ",") this.selectBand(this.band - 1);
      else if (key === "]" || key === ".") this.selectBand(this.band + 1);
      else if (key === "p" || (key === " " && !isButton)) actions.play();
      else if (key === "+" || key === "=") actions.in();
      else if (key === "-") actions.out();
      else if (key === "0") actions.fit();
      else if (key === "m") actions.move();
      else if (key === "delete" || key === "backspace") this.removeArea(this.areas.at(-1));
      else if (modes[key] && (modes[key] !== "observer" || this.facts.observer)) { this.mode = modes[key]; this.update(); }
      else return;
      event.preventDefault();
    });
  },

  toggleMove() {
    this.moves = !this.moves;
    document.querySelector("[data-do=move]").setAttribute("aria-pressed", String(this.moves));
    document.getElementById("panes").classList.toggle("moving", this.moves);
  },

  // Files

  saveCsv() {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const columns = this.areas.flatMap((area) => area.spectra.flatMap(({ mean, spread }, i) => {
      const name = `${area.label} (${this.placeOf(area)}) ${this.cubes[i].name}`;
      return [[`${name} mean`, mean], [`${name} spread`, spread]];
    }));
    const first = this.facts.wavelength_nm.length ? "wavelength_nm" : "band";
    const lines = [[first, ...columns.map(([name]) => name)].map(quoted)];
    this.positions.forEach((position, band) => lines.push([position, ...columns.map(([, values]) => values[band] ?? "nan")]));
    save("spectra.csv", new Blob([lines.map((line) => `${line.join(",")}\n`).join("")], { type: "text/csv" }));
  },

  // All panes beside each other, as they are seen.
  savePicture() {
    const canvases = this.panes.map((pane) => pane.canvas);
    const all = new OffscreenCanvas(canvases.reduce((sum, each) => sum + each.width, 0), Math.max(...canvases.map((each) => each.height)));
    let left = 0;
    for (const canvas of canvases) { all.getContext("2d").drawImage(canvas, left, 0); left += canvas.width; }
    all.convertToBlob({ type: "image/png" }).then((blob) => save("cube.png", blob));
  },

  savePlot() {
    const drawn = document.querySelector("#plot canvas");
    const all = new OffscreenCanvas(drawn.width, drawn.height);
    const context = all.getContext("2d");
    context.fillStyle = getComputedStyle(document.querySelector(".item")).backgroundColor;
    context.fillRect(0, 0, all.width, all.height);
    context.drawImage(drawn, 0, 0);
    all.convertToBlob({ type: "image/png" }).then((blob) => save("spectra.png", blob));
  },
});

function save(name, blob) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

(async () => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const texts = [...document.querySelectorAll("script.cube")].map((element) => element.textContent);
  const cubes = await Promise.all(facts.cubes.map((each, i) => Cube.unpack(each, texts[i])));
  window.cubePage = new CubePage(facts, cubes);
  document.getElementById("viewer").classList.add("ready");
})();
