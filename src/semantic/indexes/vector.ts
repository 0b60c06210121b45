// Vectors of length 1, whose dot product is their cosine similarity.

/** The vector with length 1; `undefined` if it has other dimensions, no length, or a number that is not finite. */
export function unitVector(numbers: ArrayLike<number>, dims: number): Float32Array | undefined {
  if (numbers?.length !== dims) return undefined
  const vector = Float32Array.from(numbers)
  const length = Math.sqrt(vector.reduce((sum, one) => sum + one * one, 0))
  return length > 0 && Number.isFinite(length) ? vector.map((one) => one / length) : undefined
}

/** The cosine similarity of vectors of length 1: 0 to 1. What is below 0 is 0. `at` is where the second one begins in `b`. */
export function similarityOf(a: Float32Array, b: Float32Array, at = 0): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[at + i] as number)
  return Math.min(1, Math.max(0, sum))
}
