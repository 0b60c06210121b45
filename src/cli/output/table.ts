// Aligned columns as plain text. Pure.

export interface TableOptions {
  /** The columns that hold numbers, by index: aligned to the right. */
  readonly right?: readonly number[]
  /** What precedes each line. */
  readonly indent?: string
}

/** Lines of columns that are two spaces apart. No line ends with a space. */
export function table(rows: readonly (readonly string[])[], { right = [], indent = '' }: TableOptions = {}): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    })
  }
  const lines = rows.map((row) =>
    row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  '),
  )
  return lines.map((line) => `${indent}${line}`.trimEnd()).join('\n')
}
