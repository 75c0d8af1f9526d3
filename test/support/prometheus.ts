/** One line of a Prometheus text: the labels by name, and the value. */
export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Family = { type: string; help: string; samples: Sample[] };

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)",?/y;

/**
 * Parses the exposition format of Prometheus (version 0.0.4) strictly. Throws for an invalid line,
 * a sample without a family, a duplicate series, and a value that is not a number.
 */
export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, Family>();
  const series = new Set<string>();
  for (const line of text.split('\n')) {
    const comment = COMMENT.exec(line);
    const sample = SAMPLE.exec(line);
    if (comment !== null) {
      const [, kind, name = '', text = ''] = comment;
      const family = families.get(name) ?? { type: '', help: '', samples: [] };
      families.set(name, kind === 'HELP' ? { ...family, help: text } : { ...family, type: text });
    } else if (sample !== null) {
      const [, name = '', labels = '', value = ''] = sample;
      const parsed = { name, labels: parseLabels(labels, line), value: parseValue(value, line) };
      const key = `${name} ${JSON.stringify(Object.entries(parsed.labels).sort())}`;
      if (series.has(key)) throw new Error(`duplicate series: ${line}`);
      series.add(key);
      familyOf(families, name, line).samples.push(parsed);
    } else if (line !== '') {
      throw new Error(`neither a comment nor a sample: ${line}`);
    }
  }
  return families;
}

function familyOf(families: Map<string, Family>, name: string, line: string): Family {
  const own = families.get(name);
  if (own !== undefined && own.type !== 'histogram') return own;
  const histogram = families.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (histogram === undefined || !['histogram', 'summary'].includes(histogram.type)) {
    throw new Error(`sample without a family: ${line}`);
  }
  return histogram;
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`bad labels: ${line}`);
    labels[name] = value;
  }
  return labels;
}

function parseValue(text: string, line: string): number {
  if (text === '+Inf' || text === '-Inf' || text === 'Nan') return Number(text.replace('Inf', 'Infinity'));
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  return value;
}

/** The value of one series; undefined if it does not exist. */
export function seriesValue(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.find(
    (sample) =>
      sample.name === name &&
      Object.keys(sample.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}
