"use strict";

// A viewer: two pictures of the same part of a photo under a line that moves, enlarged and moved together.
class Viewer {
  static LARGEST = 8;
  static STEP = 1.5;

  constructor(element) {
    this.element = element;
    this.images = [...element.querySelectorAll(".pictures img")];
    this.views = [...new Set(this.images.map((image) => image.dataset.view))];
    this.sides = [...new Set(this.images.map((image) => image.dataset.side))];
    this.shown = [0, 1];
    element.append(document.getElementById("viewer").content.cloneNode(true));
    for (const name of ["stage", "slider", "difference", "percent"]) this[name] = element.querySelector(`.${name}`);
    this.slots = [...element.querySelectorAll(".side")];
    this.slider.setAttribute("aria-label", `${element.dataset.label}: line between ${this.sides.join(" and ")}`);
    element.querySelector(".tools").setAttribute("aria-label", `How ${element.dataset.label} is shown`);
    this.addChoices();
    this.listen();
    element.classList.add("ready");
    this.select(this.views[0]);
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  addChoices() {
    const views = this.element.querySelector(".views");
    if (this.views.length > 1) {
      for (const view of this.views) {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: view });
        button.addEventListener("click", () => this.select(view));
        views.append(button);
      }
    }
    const sides = this.element.querySelector(".sides");
    if (this.sides.length > 2) {
      this.shown.forEach((index, place) => {
        const select = document.createElement("select");
        this.sides.forEach((side, i) => select.add(new Option(side, i, i === index, i === index)));
        select.addEventListener("change", () => { this.shown[place] = Number(select.value); this.fill(); });
        const label = document.createElement("label");
        label.append(place ? "Right" : "Left", select);
        sides.append(label);
      });
    }
  }

  listen() {
    const actions = {
      in: () => this.enlarge(Viewer.STEP),
      out: () => this.enlarge(1 / Viewer.STEP),
      fit: () => this.fit(),
      full: () => this.full(),
      difference: () => this.toggleDifference(),
    };
    for (const button of this.element.querySelectorAll("[data-do]")) {
      button.addEventListener("click", actions[button.dataset.do]);
    }
    const keys = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "full", d: "difference", D: "difference" };
    const moves = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    this.stage.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const move = event.shiftKey && moves[event.key];
      if (move) this.move(40 * move[0], 40 * move[1]);
      else if (event.key === "Home" || event.key === "End") this.slideTo(event.key === "Home" ? 0 : 100);
      else if (keys[event.key]) actions[keys[event.key]]();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }, true);
    this.slider.addEventListener("slide", () => this.slider.setAttribute("aria-valuenow", Math.round(this.slider.value)));
    this.stage.addEventListener("dblclick", () => (this.isFitted ? this.full() : this.fit()));
    this.stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.enlarge(event.deltaY < 0 ? Viewer.STEP : 1 / Viewer.STEP);
    }, { passive: false });
    this.listenToPointers();
  }

  // One pointer moves an enlarged photo, unless it holds the line; two change the zoom.
  listenToPointers() {
    const pointers = new Map();
    const spread = () => {
      const [one, other] = pointers.values();
      return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    };
    this.stage.addEventListener("pointerdown", (event) => {
      const grip = this.element.querySelector(".grip").getBoundingClientRect();
      const holdsLine = event.clientX >= grip.left && event.clientX <= grip.right && event.clientY >= grip.top && event.clientY <= grip.bottom;
      if (!holdsLine) pointers.set(event.pointerId, event);
    });
    window.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const distance = pointers.size === 2 ? spread() : 0;
      pointers.set(event.pointerId, event);
      if (distance) this.enlarge(spread() / distance);
      else if (pointers.size === 1 && !this.isFitted) this.move(event.clientX - before.clientX, event.clientY - before.clientY);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
  }

  picture(side) {
    return this.images.find((image) => image.dataset.view === this.view && image.dataset.side === this.sides[side]);
  }

  select(view) {
    this.view = view;
    for (const button of this.element.querySelectorAll(".views button")) {
      button.setAttribute("aria-pressed", String(button.textContent === view));
    }
    this.fill();
    this.resize();
    this.fit();
  }

  fill() {
    const copies = (index) => Object.assign(this.picture(index).cloneNode(), { loading: "eager" });
    this.slots.forEach((slot, place) => slot.replaceChildren(copies(this.shown[place])));
    this.difference.replaceChildren(...(this.difference.hidden ? [] : this.shown.map(copies)));
    this.element.querySelector(".left").textContent = this.sides[this.shown[0]];
    this.element.querySelector(".right").textContent = this.sides[this.shown[1]];
  }

  get size() {
    const image = this.picture(0);
    return { width: image.width || Number(image.getAttribute("width")), height: Number(image.getAttribute("height")), scale: Number(image.dataset.scale) };
  }

  get fitting() {
    const { width, height } = this.size;
    return Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height);
  }

  // The stage has the shape of the whole photo, as far as the window has room for it.
  resize() {
    const whole = this.images[0];
    const ratio = Number(whole.getAttribute("height")) / Number(whole.getAttribute("width"));
    const height = Math.max(160, Math.min(this.stage.clientWidth * ratio, innerHeight * 0.75));
    this.element.style.setProperty("--height", `${Math.round(height)}px`);
    if (this.isFitted) this.fit();
    else this.show();
  }

  fit() {
    Object.assign(this, { isFitted: true, zoom: this.fitting, x: 0, y: 0 });
    this.show();
  }

  full() {
    if (this.size.scale < 1) this.select(this.views[1]);
    Object.assign(this, { isFitted: false, zoom: 1, x: 0, y: 0 });
    this.show();
  }

  enlarge(factor) {
    const zoom = Math.min(Viewer.LARGEST, Math.max(this.fitting, this.zoom * factor));
    this.x *= zoom / this.zoom;
    this.y *= zoom / this.zoom;
    Object.assign(this, { zoom, isFitted: zoom === this.fitting });
    this.show();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.show();
  }

  show() {
    const { width, height, scale } = this.size;
    const room = { x: Math.max(0, (width * this.zoom - this.stage.clientWidth) / 2), y: Math.max(0, (height * this.zoom - this.stage.clientHeight) / 2) };
    for (const axis of ["x", "y"]) {
      this[axis] = Math.max(-room[axis], Math.min(room[axis], this[axis]));
      this.element.style.setProperty(`--${axis}`, `${this[axis]}px`);
    }
    this.element.style.setProperty("--zoom", this.zoom);
    const isMovable = room.x > 0 || room.y > 0;
    this.slider.handle = isMovable;
    this.element.classList.toggle("movable", isMovable);
    this.element.classList.toggle("enlarged", this.zoom >= 2);
    this.percent.textContent = `${Math.round(100 * this.zoom * scale)} %`;
  }

  slideTo(value) {
    this.slider.value = value;
    this.slider.setAttribute("aria-valuenow", value);
  }

  toggleDifference() {
    this.difference.hidden = !this.difference.hidden;
    const button = this.element.querySelector("[data-do=difference]");
    button.setAttribute("aria-pressed", String(!this.difference.hidden));
    this.fill();
  }
}

{
  const makeReady = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      makeReady.unobserve(target);
      new Viewer(target);
    }
  }, { rootMargin: "800px" });
  for (const viewer of document.querySelectorAll(".viewer")) makeReady.observe(viewer);
}

// Finding, filtering and sorting the files of a report.
{
  const list = document.getElementById("items");
  const controls = document.getElementById("controls");
  if (list) {
    const items = [...list.children];
    const [find, show, sort, count, none] = ["find", "show", "sort", "count", "none"].map((id) => document.getElementById(id));
    const orders = {
      order: (a, b) => a.dataset.order - b.dataset.order,
      name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
    };
    const byFigure = (name) => (a, b) => b.dataset[name] - a.dataset[name] || orders.order(a, b);
    const update = () => {
      const text = find.value.trim().toLowerCase();
      for (const item of items) {
        item.hidden = !item.dataset.name.toLowerCase().includes(text) || (show.value !== "" && item.dataset.status !== show.value);
      }
      const shown = items.filter((item) => !item.hidden).length;
      count.textContent = shown === items.length ? `${shown} shown` : `${shown} of ${items.length} shown`;
      none.hidden = shown > 0;
    };
    const order = () => list.append(...items.sort(orders[sort.value] ?? byFigure(sort.value)));
    find.addEventListener("input", update);
    show.addEventListener("change", update);
    sort.addEventListener("change", order);
    controls.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("reset").addEventListener("click", () => { controls.reset(); order(); update(); find.focus(); });
    update();
  }
}
