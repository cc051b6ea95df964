/** A small line plot of the last minute, one point a second, at the screen's pixel density. */
import { make } from './element.ts';

const POINTS = 60;

export interface Series {
  label: string;
  colour: string;
  /** Formats a value. */
  format: (value: number) => string;
  /** Fills the area under the line. */
  filled?: boolean;
}

export class Plot {
  readonly #series: readonly Series[];
  readonly #values: number[][];
  readonly #canvas = document.createElement('canvas');
  readonly #readouts: HTMLElement[];
  readonly #title: string;

  constructor(root: HTMLElement, title: string, series: readonly Series[]) {
    this.#title = title;
    this.#series = series;
    this.#values = series.map(() => []);
    const legend = make('p', '', { class: 'plot-legend' });
    this.#readouts = series.map(({ label, colour }) => {
      const item = make('span', '', { style: `--colour:${colour}` });
      const value = make('b', '–');
      item.append(make('i'), `${label} `, value);
      legend.append(item);
      return value;
    });
    this.#canvas.setAttribute('role', 'img');
    root.append(legend, this.#canvas);
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
  }

  /** One value per series, in the same order. */
  add(...values: number[]): void {
    for (const [index, value] of values.entries()) {
      const kept = this.#values[index];
      kept?.push(value);
      if (kept && kept.length > POINTS) kept.shift();
      const readout = this.#readouts[index];
      if (readout) readout.textContent = this.#series[index]?.format(value) ?? '';
    }
    const spoken = this.#series.map(({ label, format }, index) => `${label} ${format(values[index] ?? 0)}`);
    this.#canvas.setAttribute('aria-label', `${this.#title}: ${spoken.join(', ')}`);
    this.#draw();
  }

  clear(): void {
    for (const values of this.#values) values.length = 0;
    this.#draw();
  }

  #draw(): void {
    const context = this.#canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!context || width === 0) return;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    const top = Math.max(1, ...this.#values.flat()) * 1.15;
    context.strokeStyle = '#232a38';
    context.beginPath();
    context.moveTo(0, height - 0.5);
    context.lineTo(width, height - 0.5);
    context.stroke();
    for (const [index, series] of this.#series.entries())
      this.#drawLine(context, series, this.#values[index] ?? [], top);
  }

  #drawLine(context: CanvasRenderingContext2D, { colour, filled }: Series, values: number[], top: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const x = (index: number) => width - ((values.length - 1 - index) / (POINTS - 1)) * width;
    const y = (value: number) => height - 1.5 - (value / top) * (height - 4);
    if (values.length === 0) return;
    context.beginPath();
    for (const [index, value] of values.entries()) context.lineTo(x(index), y(value));
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.strokeStyle = colour;
    context.stroke();
    if (!filled) return;
    context.lineTo(x(values.length - 1), height);
    context.lineTo(x(0), height);
    context.globalAlpha = 0.16;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
}
