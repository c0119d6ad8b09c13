"use strict";

// What the page knows of the cubes: their values, unpacked, and what is computed of them. An area is {x0, y0, x1, y1}, ends excluded.
class Cube {
  static MISSING = 0xffff;

  constructor(facts, stored) {
    Object.assign(this, facts); // name, height, width, bands, offset, scale
    this.stored = stored; // of each band all rows; a value is offset + scale * stored
    this.pixels = this.height * this.width;
  }

  static async unpack(facts, text) {
    const packed = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = await new Response(stream).arrayBuffer();
    return new Cube(facts, new Uint16Array(bytes)); // little-endian, as all browsers' machines are
  }

  value(band, pixel) {
    const stored = this.stored[band * this.pixels + pixel];
    return stored === Cube.MISSING ? NaN : this.offset + this.scale * stored;
  }

  band(band) {
    return Float32Array.from({ length: this.pixels }, (_, pixel) => this.value(band, pixel));
  }

  // Linear red, green and blue: bands by their weights, [[red, green, blue] of each band].
  weighted(weights) {
    const colours = new Float32Array(3 * this.pixels);
    weights.forEach((weight, band) => {
      if (!weight.some(Boolean)) return;
      for (let pixel = 0; pixel < this.pixels; pixel++) {
        const value = this.value(band, pixel);
        for (let i = 0; i < 3; i++) colours[3 * pixel + i] += weight[i] * value;
      }
    });
    return colours;
  }

  // Mean and spread (standard deviation) of the pixels of an area that have data, band by band.
  spectrum({ x0, y0, x1, y1 }) {
    const mean = new Array(this.bands).fill(null);
    const spread = new Array(this.bands).fill(null);
    for (let band = 0; band < this.bands; band++) {
      let count = 0, sum = 0, squares = 0;
      const first = this.value(band, y0 * this.width + x0) || 0; // sums of differences lose no digits
      for (let y = y0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          const value = this.value(band, y * this.width + x) - first;
          if (Number.isNaN(value)) continue;
          count++; sum += value; squares += value * value;
        }
      }
      if (!count) continue;
      mean[band] = first + sum / count;
      spread[band] = Math.sqrt(Math.max(squares / count - (sum / count) ** 2, 0));
    }
    return { mean, spread };
  }
}

// How two cubes differ, pixel by pixel: of one band, or of the whole spectrum.
const DIFFERENCES = {
  difference: { title: "Difference of the band", unit: "", signed: true },
  rmse: { title: "RMSE over all bands", unit: "", of: (s) => Math.sqrt(s.errors / s.count) },
  angle: { title: "Spectral angle", unit: "°", of: (s) => (180 / Math.PI) * Math.acos(Math.min(s.ab / Math.sqrt(s.aa * s.bb), 1)) },
  correlation: {
    title: "Correlation of the spectra", unit: "", to: 1,
    of: (s) => (s.count * s.ab - s.a * s.b) / Math.sqrt((s.count * s.aa - s.a ** 2) * (s.count * s.bb - s.b ** 2)),
  },
};

function differenceOf(name, cube, truth, band) {
  const found = new Float32Array(cube.pixels);
  const { of } = DIFFERENCES[name];
  for (let pixel = 0; pixel < cube.pixels; pixel++) {
    if (!of) { found[pixel] = cube.value(band, pixel) - truth.value(band, pixel); continue; }
    found[pixel] = of(sumsOf((i) => cube.value(i, pixel), (i) => truth.value(i, pixel), cube.bands));
  }
  return found;
}

function sumsOf(one, other, bands) {
  const sums = { count: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0, errors: 0 };
  for (let i = 0; i < bands; i++) {
    const a = one(i), b = other(i);
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    sums.count++; sums.a += a; sums.b += b; sums.aa += a * a; sums.bb += b * b; sums.ab += a * b; sums.errors += (a - b) ** 2;
  }
  return sums;
}

// Values at shares of a list, of those that are numbers; a large list is sampled.
function quantiles(values, shares) {
  const step = Math.max(1, Math.floor(values.length / 50000));
  const sample = [];
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push(values[i]);
  sample.sort((a, b) => a - b);
  return shares.map((share) => sample[Math.round(share * (sample.length - 1))] ?? 0);
}

// Maps that people with any colour vision tell apart (viridis and cividis of matplotlib; blue to orange about zero).
const MAPS = {
  viridis: "440154 481f70 443983 3b528b 31688e 287c8e 21918c 20a486 35b779 5ec962 90d743 c8e020 fde725",
  cividis: "00224e 003170 2a3f6d 434e6c 575d6d 6a6c71 7d7c78 918b78 a59c74 bcae6c d2c060 e9d34e fee838",
  gray: "000000 ffffff",
  signed: "0b3c6f 2f7dba a9cde6 f5f5f2 f3c08a d1771f 7a3b06",
};
const MISSING_COLOUR = [128, 128, 128, 90];

// 256 colours of a map, [red, green, blue] each.
function coloursOf(map) {
  const stops = MAPS[map].split(" ").map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const stop = Math.min(Math.floor(at), stops.length - 2);
    return stops[stop].map((value, c) => Math.round(value + (at - stop) * (stops[stop + 1][c] - value)));
  });
}

// Pictures as RGBA bytes: of one value a pixel by a map, and of linear colours as sRGB.
function mapped(values, [low, high], map) {
  const colours = coloursOf(map);
  const rgba = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, pixel) => {
    const share = high > low ? (value - low) / (high - low) : 0.5;
    const colour = Number.isFinite(value) ? [...colours[Math.round(255 * Math.min(Math.max(share, 0), 1))], 255] : MISSING_COLOUR;
    rgba.set(colour, 4 * pixel);
  });
  return rgba;
}

function asScreen(linear, gain) {
  const rgba = new Uint8ClampedArray((4 * linear.length) / 3);
  for (let pixel = 0; pixel < linear.length / 3; pixel++) {
    for (let i = 0; i < 3; i++) {
      const value = Math.min(Math.max(gain * linear[3 * pixel + i], 0), 1);
      rgba[4 * pixel + i] = 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
    }
    rgba[4 * pixel + 3] = 255;
    if (Number.isNaN(linear[3 * pixel])) rgba.set(MISSING_COLOUR, 4 * pixel);
  }
  return rgba;
}
