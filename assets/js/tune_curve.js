// Risk against coverage: the two points on the curve, and the curve as a table.

/** The figure with its two points where they are now. */
export function withPoints({ data, layout }, { now, other }) {
  const points = { policy: now, compared: other };
  const moved = data.map((trace) => {
    const point = points[trace.name];
    return point ? { ...trace, x: [point.coverage], y: [1 - point.accuracy] } : trace;
  });
  return { data: moved, layout };
}

/** The curve with the threshold that each point stands for. */
export function curveTable({ data }) {
  const { x, y, customdata } = data.find(({ name }) => name === "risk");
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  return {
    head: ["threshold", "answered", "wrong among answered"],
    rows: x.map((coverage, i) => [customdata[i], percent(coverage), percent(y[i])]),
  };
}
