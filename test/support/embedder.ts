// A deterministic embedder for tests: hashed words, pairs of words and letter trigrams. Texts with the same words are near, whatever they
// mean, as with a real model whose blind spots (negation, numbers, roles) are larger.

export const DIMS = 256

/** Options of `semanticCache`, and how often and with what the embedder was called. */
export function testEmbedder() {
  const calls: string[][] = []
  const run = async (texts: string[]) => {
    calls.push(texts)
    return texts.map(embeddingOf)
  }
  return { embed: { id: 'hashed-n-grams', dims: DIMS, run }, calls }
}

export function embeddingOf(text: string): Float32Array {
  const vector = new Float32Array(DIMS)
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  words.forEach((word, i) => {
    add(vector, `w ${word}`, word.length > 3 ? 1 : 0.4)
    if (i > 0) add(vector, `p ${words[i - 1]} ${word}`, 0.15)
    const padded = ` ${word} `
    for (let at = 0; at + 3 <= padded.length; at++) add(vector, `t ${padded.slice(at, at + 3)}`, 0.25)
  })
  return vector
}

/** FNV-1a says which number changes, and in which direction. */
function add(vector: Float32Array, feature: string, weight: number): void {
  let hash = 0x811c9dc5
  for (let i = 0; i < feature.length; i++) hash = Math.imul(hash ^ feature.charCodeAt(i), 0x01000193)
  const at = (hash >>> 1) % vector.length
  vector[at] = (vector[at] as number) + (hash & 1 ? weight : -weight)
}

export function similarity(a: string, b: string): number {
  const [x, y] = [embeddingOf(a), embeddingOf(b)]
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, one, i) => sum + one * (q[i] as number), 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}
