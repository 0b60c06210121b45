// Server-sent events in a stream of bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html): where one ends, and what it says.

const LF = 10
const CR = 13

/** Cuts bytes into whole events, each with the blank line that ends it. */
export class EventSplitter {
  #rest: Buffer = Buffer.alloc(0)

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): Buffer[] {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes])
    const end = all.includes(CR) ? endByByte : endByLines
    const events: Buffer[] = []
    let from = 0
    for (let at = end(all, from); at !== undefined; at = end(all, from)) {
      events.push(all.subarray(from, at))
      from = at
    }
    this.#rest = all.subarray(from)
    return events
  }

  /** What is left after the last whole event: an event that was cut off, if anything. */
  rest(): Buffer {
    return this.#rest
  }
}

/** Where the first event from `from` on ends, if it does. Most servers end lines with LF alone. */
function endByLines(bytes: Buffer, from: number): number | undefined {
  const at = bytes.indexOf('\n\n', from)
  return at === -1 ? undefined : at + 2
}

function endByByte(bytes: Buffer, from: number): number | undefined {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === LF && bytes[i + 1] === LF) return i + 2
    if (bytes[i] === CR && bytes[i + 1] === CR) return i + 2
    const isCrLf = bytes[i] === CR && bytes[i + 1] === LF && bytes[i + 2] === CR && bytes[i + 3] === LF
    if (isCrLf) return i + 4
  }
  return undefined
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
