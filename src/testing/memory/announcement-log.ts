// A capped log with positions: what a Redis stream is to the bus.
import type { Bytes } from '../../model/ports.js'

interface Line {
  readonly position: number
  /** `undefined` for a line that only marks a position. */
  readonly bytes: Buffer | undefined
}

/** What was announced, oldest first. Positions grow; a position can be read from only while its line is still there. */
export class AnnouncementLog {
  private constructor(
    private readonly maxLines: number,
    private readonly lines: Line[],
  ) {}

  static empty(maxLines: number): AnnouncementLog {
    return new AnnouncementLog(maxLines, [])
  }

  append(position: number, bytes: Bytes | undefined): void {
    this.lines.push({ position, bytes: bytes && Buffer.from(bytes) })
    if (this.lines.length > this.maxLines) this.lines.shift()
  }

  get lastPosition(): number | undefined {
    return this.lines.at(-1)?.position
  }

  /** The lines after `position`; `undefined` when that line is gone, so that lines behind it may be gone too. */
  after(position: number): readonly Line[] | undefined {
    const index = this.lines.findIndex((line) => line.position === position)
    return index < 0 ? undefined : this.lines.slice(index + 1)
  }

  copy(): AnnouncementLog {
    return new AnnouncementLog(this.maxLines, [...this.lines])
  }
}
