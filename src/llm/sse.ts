// Server-sent events in a stream of bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html): where one ends, and what it says.

const LF = 10
const CR = 13

/** Cuts bytes into whole events, each with the blank line that ends it. */
export class EventSplitter {
  #rest: Uint8Array = new Uint8Array()

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const events: Uint8Array[] = []
    let from = 0
    for (let i = Math.max(0, this.#rest.length - 3); i < all.length; i++) {
      const end = endOfEvent(all, i)
      if (end === undefined) continue
      events.push(all.slice(from, end))
      from = end
      i = end - 1
    }
    this.#rest = all.slice(from)
    return events
  }

  /** What is left after the last whole event: an event that was cut off, if anything. */
  rest(): Uint8Array {
    return this.#rest
  }
}

/** Where the event ends, if a blank line begins at `i`. */
function endOfEvent(bytes: Uint8Array, i: number): number | undefined {
  if (bytes[i] === LF && bytes[i + 1] === LF) return i + 2
  if (bytes[i] === CR && bytes[i + 1] === CR) return i + 2
  const isCrLf = bytes[i] === CR && bytes[i + 1] === LF && bytes[i + 2] === CR && bytes[i + 3] === LF
  return isCrLf ? i + 4 : undefined
}

/** The data of an event; `undefined` if it has none, such as a comment that keeps the connection alive. */
export function dataOf(event: string): string | undefined {
  const lines = event.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:'))
  return lines.length === 0 ? undefined : lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')
}

/** The event with other data in the place of its own. */
export function withData(event: string, data: string): string {
  const others = event.split(/\r\n|\n|\r/).filter((line) => line !== '' && !line.startsWith('data:'))
  return `${[...others, `data: ${data}`].join('\n')}\n\n`
}
