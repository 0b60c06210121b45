// The classes of Temporal, of the runtime or of a polyfill.
import type { Extension } from '../model/values/extension.js'

interface TemporalClass {
  readonly prototype: object
  from(text: string): object
}

const NAMES = [
  'Instant',
  'ZonedDateTime',
  'PlainDateTime',
  'PlainDate',
  'PlainTime',
  'PlainYearMonth',
  'PlainMonthDay',
  'Duration',
] as const

/** The namespace `Temporal`, as far as it is used here. */
export type TemporalNamespace = Readonly<Record<(typeof NAMES)[number], TemporalClass>>

/** Keeps all classes of Temporal, to the nanosecond, with zone and calendar: `extend: temporal(Temporal)`. */
export function temporal(Temporal: TemporalNamespace): Extension[] {
  return NAMES.map((name) => {
    const type = Temporal[name]
    return {
      name: `Temporal.${name}`,
      is: (value) => Object.prototype.isPrototypeOf.call(type.prototype, value),
      encode: (value) => String(value),
      decode: (text) => type.from(text as string),
    }
  })
}
