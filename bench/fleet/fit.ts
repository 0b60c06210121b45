// Two costs from what they add up to.

/** Least squares for y = a·x₀ + b·x₁ with neither below 0. */
export function fitTwo(rows: readonly (readonly [number, number])[], y: readonly number[]): readonly [number, number] {
  let [xx, xz, zz, xy, zy] = [0, 0, 0, 0, 0]
  rows.forEach(([x, z], i) => {
    const value = y[i] as number
    xx += x * x
    xz += x * z
    zz += z * z
    xy += x * value
    zy += z * value
  })
  const determinant = xx * zz - xz * xz
  const a = (xy * zz - zy * xz) / determinant
  const b = (zy * xx - xy * xz) / determinant
  if (a < 0) return [0, Math.max(0, zy / zz)]
  if (b < 0) return [Math.max(0, xy / xx), 0]
  return [a, b]
}
