// A capped log with positions. The in-memory counterpart of a Redis stream.
import type { Bytes } from '../../model/ports.js'

interface Line {
  readonly position: number
  /** `undefined` for a line that only marks a position. */
  readonly bytes: Buffer | undefined
}

/** Announcements, oldest first. Positions grow. The log can be read from a position as long as its line is still there. */
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

  /** The lines after `position`. `undefined` if that line is gone, because later lines may be gone as well. */
  after(position: number): readonly Line[] | undefined {
    const index = this.lines.findIndex((line) => line.position === position)
    return index < 0 ? undefined : this.lines.slice(index + 1)
  }

  copy(): AnnouncementLog {
    return new AnnouncementLog(this.maxLines, [...this.lines])
  }
}
