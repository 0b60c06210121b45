// Ranks as in real traffic: the first is the most frequent, the k-th is k times less frequent.

/** Returns a function that draws ranks from 0 to `count` - 1. */
export function zipf(count: number, random: () => number): () => number {
  const cumulative: number[] = []
  let sum = 0
  for (let rank = 1; rank <= count; rank++) {
    sum += 1 / rank
    cumulative.push(sum)
  }
  return () => {
    const draw = random() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulative[middle] as number) < draw) low = middle + 1
      else high = middle
    }
    return low
  }
}
