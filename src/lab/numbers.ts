/**
 * A mean with the limits of its interval, `0.973 [0.969, 0.976]`, to the digits that the interval supports: its half
 * width to two significant digits. Without limits, up to four significant digits.
 */
export function withInterval(mean: number, low?: number, high?: number): { mean: string; interval?: string } {
  const half = low === undefined || high === undefined ? 0 : (high - low) / 2;
  const digits = half > 0 ? 1 - magnitude(half) : decimals(mean);
  if (low === undefined || high === undefined) return { mean: number(mean, digits) };
  return { mean: number(mean, digits), interval: `[${number(low, digits)}, ${number(high, digits)}]` };
}

/** A duration as a person says it: `0.8 s`, `45 s`, `3 min 20 s`, `1 h 05 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A count as a person reads it: `1,234`, `5.6 million`, `7.8 × 10¹²`. */
export function count(value: number): string {
  if (value < 1e6) return Math.round(value).toLocaleString("en");
  if (value < 1e9) return `${Number((value / 1e6).toPrecision(3))} million`;
  const power = magnitude(value);
  return `${(value / 10 ** power).toFixed(1)} × 10${[...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/** `value` with `digits` decimals at most six; in powers of ten where that would show nothing or far too much. */
function number(value: number, digits: number): string {
  const size = Math.abs(value);
  const text =
    size >= 1e6 || (size > 0 && digits > 6) ? value.toExponential(2) : value.toFixed(Math.min(6, Math.max(0, digits)));
  return text
    .replace("e+", "e")
    .replaceAll("-", "−")
    .replace(/^−(0(\.0*)?)$/, "$1");
}

/** The decimals that four significant digits of `value` need. */
const decimals = (value: number): number => /\.(\d+)$/.exec(String(Number(value.toPrecision(4))))?.[1].length ?? 0;

const magnitude = (value: number): number => (value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value))));
