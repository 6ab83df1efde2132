// A line of the last minutes, beside its figure: a shape, not a scale. The slot that is not over yet is left out.
export function Spark({ counts, label }: { counts: number[] | undefined; label: string }) {
  const shown = (counts ?? []).slice(0, -1);
  if (shown.length < 2) return <svg class="spark" viewBox="0 0 100 28" role="img" aria-label={label} />;
  const most = Math.max(...shown, 1);
  const points = shown.map((count, place) => `${((place / (shown.length - 1)) * 100).toFixed(1)},${(26 - (count / most) * 24).toFixed(1)}`);
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,28 ${points.join(' ')} 100,28`} />
      <polyline points={points.join(' ')} />
    </svg>
  );
}
