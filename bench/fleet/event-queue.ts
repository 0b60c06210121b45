// Requests of processes, the earliest first: a binary heap.

export interface Request {
  readonly atUs: number
  readonly process: number
}

export class EventQueue {
  readonly #heap: Request[] = []

  peek(): Request | undefined {
    return this.#heap[0]
  }

  add(atUs: number, process: number): void {
    const heap = this.#heap
    let at = heap.length
    const added = { atUs, process }
    while (at > 0) {
      const above = (at - 1) >> 1
      if ((heap[above] as Request).atUs <= atUs) break
      heap[at] = heap[above] as Request
      at = above
    }
    heap[at] = added
  }

  /** Removes the earliest request. Throws if there is none. */
  take(): Request {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) throw new Error('there is no request')
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink(moved: Request): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= heap.length) break
      const right = left + 1
      const isRight = right < heap.length && (heap[right] as Request).atUs < (heap[left] as Request).atUs
      const below = isRight ? right : left
      if ((heap[below] as Request).atUs >= moved.atUs) break
      heap[at] = heap[below] as Request
      at = below
    }
    heap[at] = moved
  }
}
