/** A small SVG chart: axes with round ticks, lines, an area, a legend. No dependency, the same bytes for the same data. */
export interface Series {
  /** Empty: not in the legend. */
  label: string;
  color: string;
  /** [x, y]; a NaN breaks the line. */
  points: readonly (readonly [number, number])[];
  /** Filled down to zero instead of drawn as a line. */
  area?: boolean;
}

export interface Chart {
  title: string;
  yLabel: string;
  xMax: number;
  /** Values above are cut off. */
  yMax: number;
  series: readonly Series[];
}

const WIDTH = 960;
const HEIGHT = 220;
const MARGIN = { left: 58, right: 16, top: 30, bottom: 30 };
const PLOT_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const PLOT_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;
const LEGEND_GAP = 22;
/** Mean width of a character, px; the legend is laid out by it. */
const CHARACTER = 6.6;

/** Charts one below the other, with seconds on the shared x axis. */
export function svgOf(title: string, charts: readonly Chart[]): string {
  const height = 34 + charts.length * HEIGHT;
  const body = charts.map((chart, index) => `<g transform="translate(0 ${34 + index * HEIGHT})">${draw(chart)}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function draw(chart: Chart): string {
  const x = (value: number): number => MARGIN.left + (value / chart.xMax) * PLOT_WIDTH;
  const y = (value: number): number => MARGIN.top + PLOT_HEIGHT * (1 - Math.min(Math.max(value / chart.yMax, 0), 1));
  const bottom = MARGIN.top + PLOT_HEIGHT;
  const parts = [`<text x="${MARGIN.left}" y="16" font-weight="bold">${escaped(chart.title)}</text>`];
  for (const tick of ticks(chart.yMax, 4)) {
    const at = round(y(tick));
    parts.push(`<path d="M${MARGIN.left} ${at}h${PLOT_WIDTH}" stroke="#ddd"/>`);
    parts.push(`<text x="${MARGIN.left - 6}" y="${at + 4}" text-anchor="end">${tick}</text>`);
  }
  for (const tick of ticks(chart.xMax, 10)) {
    parts.push(`<text x="${round(x(tick))}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`);
  }
  parts.push(`<text x="${WIDTH - MARGIN.right}" y="${bottom + 28}" text-anchor="end">s</text>`);
  parts.push(
    `<text transform="translate(14 ${MARGIN.top + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(chart.yLabel)}</text>`,
  );
  for (const series of chart.series) parts.push(drawSeries(series, x, y));
  parts.push(`<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}h${PLOT_WIDTH}" fill="none" stroke="#333"/>`);
  parts.push(legend(chart.series));
  return parts.join('\n');
}

function drawSeries({ points, color, area }: Series, x: (v: number) => number, y: (v: number) => number): string {
  let path = '';
  let open = false;
  for (const [px, py] of points) {
    if (Number.isNaN(py)) {
      open = false;
      continue;
    }
    path += `${open ? 'L' : 'M'}${round(x(px))} ${round(y(py))}`;
    open = true;
  }
  if (!area) return `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.4"/>`;
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return '';
  return `<path d="${path}L${round(x(last[0]))} ${round(y(0))}L${round(x(first[0]))} ${round(y(0))}Z" fill="${color}"/>`;
}

/** From the right, above the plot. */
function legend(series: readonly Series[]): string {
  let right = WIDTH - MARGIN.right;
  const parts: string[] = [];
  for (const { label, color } of series.toReversed()) {
    if (label === '') continue;
    parts.push(`<text x="${round(right)}" y="16" text-anchor="end">${escaped(label)}</text>`);
    right -= label.length * CHARACTER + 18;
    parts.push(`<rect x="${round(right)}" y="6" width="12" height="12" fill="${color}"/>`);
    right -= LEGEND_GAP - 12;
  }
  return parts.join('\n');
}

/** Round numbers from zero to `max`, about `count` of them. */
function ticks(max: number, count: number): number[] {
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
