"use strict";

// The spectra of the areas over wavelength (uPlot): means as lines, what lies within one standard deviation as bands.
class SpectraPlot {
  static DASHES = [[], [7, 4], [2, 3]]; // of the first cube, the second, the third
  static SHADE = "26"; // of a band: the hexadecimal alpha behind a colour

  constructor(element, page) {
    this.element = element;
    this.page = page;
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(element);
    for (const query of ["(prefers-color-scheme: dark)"]) matchMedia(query).addEventListener("change", () => this.show());
  }

  size() {
    return { width: Math.max(this.element.clientWidth, 200), height: Math.max(220, Math.min(340, 0.5 * this.element.clientWidth)) };
  }

  show() {
    const { positions, positionsName, areas, cubes, facts } = this.page;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name);
    const probe = Object.assign(document.createElement("i"), { hidden: true }); // light-dark() as a colour
    document.body.append(probe);
    const resolved = (name) => { probe.style.color = colour(name); return getComputedStyle(probe).color; };
    const [ink, grid] = [resolved("--soft"), resolved("--line")];
    probe.remove();
    const series = [{ label: positionsName }], data = [positions], bands = [];
    for (const area of areas) {
      area.spectra.forEach(({ mean, spread }, i) => {
        const edge = (sign) => mean.map((value, band) => (value === null ? null : value + sign * spread[band]));
        const at = series.length;
        const label = `${area.label} ${cubes[i].name}`;
        series.push({ label, stroke: area.colour, width: 2, dash: SpectraPlot.DASHES[i], spanGaps: true, points: { show: positions.length < 2 } });
        data.push(mean);
        if (!spread.some(Boolean)) return;
        for (const sign of [1, -1]) { series.push({ label, stroke: "#0000", width: 0, points: { show: false } }); data.push(edge(sign)); }
        bands.push({ series: [at + 1, at + 2], fill: area.colour + SpectraPlot.SHADE });
      });
    }
    if (series.length === 1) { series.push({ label: "none" }); data.push(positions.map(() => null)); }
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, labelSize: 22, font: "12px system-ui", labelFont: "12px system-ui" };
    this.plot?.destroy();
    this.plot = new uPlot({
      ...this.size(), series, bands,
      scales: { x: { time: false }, y: { range: (_, low, high) => (low === null ? [0, 1] : uPlot.rangeNum(Math.min(low, 0), high, 0.05, true)) } },
      axes: [{ ...axis, label: positionsName }, { ...axis, label: facts.quantity, size: 62 }],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      hooks: { draw: [(plot) => this.drawBand(plot, ink)] },
    }, data, this.element);
    this.plot.over.addEventListener("click", () => this.plot.cursor.idx !== null && this.page.selectBand(this.plot.cursor.idx));
  }

  // A line at the band that is shown.
  drawBand(plot, ink) {
    const x = plot.valToPos(this.page.positions[this.page.band], "x", true);
    plot.ctx.save();
    Object.assign(plot.ctx, { strokeStyle: ink, lineWidth: devicePixelRatio });
    plot.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.restore();
  }

  redraw() {
    this.plot?.redraw(false);
  }
}
