import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { GoldBasis, GoldPoint, MatchState } from "../../client/feed.ts";
import type { Theme } from "./settings.ts";
import { clock, useTexts, type Texts } from "./text.ts";

/** Points in order of time, one for each moment: the last that was told. */
function inOrder(points: readonly GoldPoint[]): GoldPoint[] {
  const byTime = new Map<number, GoldPoint>();
  for (const point of points)
    byTime.set(point.t, point);
  return [...byTime.values()].sort((one, other) => one.t - other.t);
}

/** The gold difference over the game, drawn and as a table. */
export function GoldCard({ state, theme }: { state: MatchState; theme: Theme }) {
  const { t } = useTexts();
  const [table, setTable] = useState(false);
  const points = useMemo(() => inOrder(state.gold ?? []), [state.gold]);
  const basis: GoldBasis | undefined = points[points.length - 1]?.basis;
  const exact = basis === "timeline";
  return (
    <section class="panel gold" aria-labelledby="gold-heading">
      <div class="panel-head">
        <h2 id="gold-heading">{t("goldDifference")}</h2>
        {basis && <span class="badge basis"
          title={t(exact ? "basisTimelineHint" : "basisItemsHint")}>
          {t(exact ? "basisTimeline" : "basisItems")}
        </span>}
        {points.length > 0 && <button type="button" class="button small"
          aria-pressed={table} onClick={() => setTable(!table)}>
          {t(table ? "showChart" : "showTable")}
        </button>}
      </div>
      {basis === undefined
        ? <div class="empty small">
          <h3>{t("noGold")}</h3>
          <p>{t(state.state === "live" ? "noGoldHint" : "noGoldDoneHint")}</p>
        </div>
        : table
          ? <GoldTable points={points} />
          : <GoldChart points={points} basis={basis} theme={theme} />}
      {basis && <p class="hint muted">
        {t(exact ? "basisTimelineHint" : "basisItemsHint")}
      </p>}
    </section>
  );
}

/** "Blue +1,234" */
function lead({ t, whole }: Texts, difference: number): string {
  if (difference === 0)
    return t("goldEven");
  return `${t(difference > 0 ? "blue" : "red")} +${whole(Math.abs(difference))}`;
}

function GoldTable({ points }: { points: GoldPoint[] }) {
  const texts = useTexts();
  const { t } = texts;
  const minutes = new Map<number, GoldPoint>();
  for (const point of points)
    minutes.set(Math.floor(point.t / 60), point);
  return (
    <div class="table-scroll" tabIndex={0} role="group"
      aria-label={t("goldDifference")}>
      <table class="gold-table">
        <caption class="visually-hidden">{t("perMinute")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("gameClock")}</th>
            <th scope="col">{t("goldDifference")}</th>
          </tr>
        </thead>
        <tbody>
          {[...minutes].reverse().map(([minute, point]) => (
            <tr key={minute}>
              <th scope="row" class="clock">{clock(point.t)}</th>
              <td class={point.difference > 0 ? "blue"
                : point.difference < 0 ? "red" : undefined}>
                {lead(texts, point.difference)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The colours of the page's CSS, read again when the theme changes. */
function colorsOf(element: Element): (name: string) => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

const height = 260;

function GoldChart(props: {
  points: GoldPoint[];
  basis: GoldBasis;
  theme: Theme;
}) {
  const texts = useTexts();
  const { t } = texts;
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const plot = useRef<uPlot>();
  const latest = useRef(props.points);
  latest.current = props.points;
  const last = props.points[props.points.length - 1];

  const read = (place: number | undefined): void => {
    const points = latest.current;
    const point = points[place ?? points.length - 1];
    if (readout.current && point)
      readout.current.textContent =
        `${clock(point.t)} · ${lead(texts, point.difference)}`;
  };

  useEffect(() => {
    const element = box.current;
    if (element === null)
      return;
    const made = new uPlot(
      optionsOf(element, props.basis, texts, read),
      dataOf(latest.current), element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0)
        made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [props.theme, props.basis, texts]);

  useEffect(() => {
    plot.current?.setData(dataOf(props.points));
    read(plot.current?.cursor.idx ?? undefined);
  }, [props.points]);

  return (
    <div class="chart">
      {/* Written by read(): the pointer moves too often to draw all anew. */}
      <p ref={readout} class="readout clock" aria-hidden="true" />
      <div ref={box} class="canvas" role="img"
        data-points={props.points.length}
        aria-label={`${t("chartLabel")} ${last ? lead(texts, last.difference) : ""}`} />
    </div>
  );
}

function dataOf(points: GoldPoint[]): uPlot.AlignedData {
  return [
    points.map((point) => point.t),
    points.map((point) => point.difference),
  ];
}

function optionsOf(element: Element, basis: GoldBasis, texts: Texts,
  point: (place: number | undefined) => void): uPlot.Options {
  const color = colorsOf(element);
  /** Blue above zero, red below, changing exactly at zero. */
  const split = (above: string, below: string) => (chart: uPlot) => {
    const { top, height: tall } = chart.bbox;
    const zero = chart.valToPos(0, "y", true);
    const share = (zero - top) / tall;
    if (!Number.isFinite(share) || share >= 1)
      return above;
    if (share <= 0)
      return below;
    const gradient = chart.ctx.createLinearGradient(0, top, 0, top + tall);
    gradient.addColorStop(share, above);
    gradient.addColorStop(share, below);
    return gradient;
  };
  const axis = {
    stroke: color("muted"),
    font: `12px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(element.clientWidth, 200),
    height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 8 },
    },
    scales: {
      x: { time: false, range: (_, low, high) => [low, Math.max(high, low + 60)] },
      // Zero stays in the middle, so that the side tells who is ahead.
      y: {
        range: (_, low, high) => {
          const most = Math.max(Math.abs(low), Math.abs(high), 500) * 1.12;
          return [-most, most];
        },
      },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        incrs: [60, 120, 300, 600, 900, 1800],
        values: (_, ticks) => ticks.map((tick) => clock(tick)),
        size: 28,
      },
      {
        ...axis,
        // Both sides count upwards: it is a lead, whoever has it.
        values: (_, ticks) => ticks.map((tick) => texts.compact(Math.abs(tick))),
        size: 48,
        splits: (_chart, _axis, low, high) => {
          const step = [250, 500, 1000, 2000, 2500, 5000, 10_000, 20_000]
            .find((size) => (high - low) / size <= 6) ?? 50_000;
          const ticks: number[] = [];
          for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step)
            ticks.push(tick);
          return ticks;
        },
      },
    ],
    series: [
      {},
      {
        stroke: split(color("blue"), color("red")),
        fill: split(color("blue-soft"), color("red-soft")),
        width: 2,
        points: { show: false },
        // An estimate is drawn as one.
        ...(basis === "items" && { dash: [6, 3] }),
      },
    ],
    hooks: {
      drawAxes: [(chart) => {
        const { ctx, bbox } = chart;
        const zero = Math.round(chart.valToPos(0, "y", true));
        ctx.save();
        ctx.strokeStyle = color("muted");
        ctx.lineWidth = devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(bbox.left, zero);
        ctx.lineTo(bbox.left + bbox.width, zero);
        ctx.stroke();
        ctx.textAlign = "left";
        ctx.textBaseline = "alphabetic";
        ctx.font = `600 ${12 * devicePixelRatio}px ${getComputedStyle(element).fontFamily}`;
        ctx.fillStyle = color("blue");
        ctx.fillText(texts.t("blue"), bbox.left + 8 * devicePixelRatio,
          bbox.top + 14 * devicePixelRatio);
        ctx.fillStyle = color("red");
        ctx.fillText(texts.t("red"), bbox.left + 8 * devicePixelRatio,
          bbox.top + bbox.height - 6 * devicePixelRatio);
        ctx.restore();
      }],
      setCursor: [(chart) => point(chart.cursor.idx ?? undefined)],
    },
  };
}
