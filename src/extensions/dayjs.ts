// Dates of Day.js.
import type { Extension } from '../model/values/extension.js'

interface DayjsDate {
  valueOf(): number
  locale(): string
  locale(name: string): object
  isUTC?(): boolean
  utcOffset(): number
  /** Where the plug-in `timezone` keeps the zone. */
  readonly $x?: { readonly $timezone?: string }
}

/** What the package `dayjs` exports, as far as it is used here; `utc` and `tz` come with the plug-ins of that name. */
export interface Dayjs {
  (ms: number): object
  isDayjs(value: unknown): boolean
  utc?(ms: number): object
  tz?(ms: number, zone: string): object
}

type Moment = readonly [ms: number, locale: string, kind: 'local' | 'utc' | 'zone', zone: string]

/**
 * Keeps dates of Day.js: `extend: [dayjs(dayjs)]`. Locale survives, and so do UTC and zone where the plug-ins `utc` and `timezone` are
 * loaded. A date without either is local to the process that reads it.
 */
export function dayjs(lib: Dayjs): Extension {
  return {
    name: 'dayjs',
    is: (value) => lib.isDayjs(value),
    encode: (value): Moment => {
      const date = value as DayjsDate
      const zone = date.$x?.$timezone ?? ''
      const kind = zone !== '' ? 'zone' : date.isUTC?.() === true ? 'utc' : 'local'
      return [date.valueOf(), date.locale(), kind, zone]
    },
    decode: (data) => {
      const [ms, locale, kind, zone] = data as Moment
      const make = {
        local: () => lib(ms),
        utc: () => need(lib.utc, 'utc')(ms),
        zone: () => need(lib.tz, 'timezone')(ms, zone),
      }
      return (make[kind]() as DayjsDate).locale(locale)
    },
  }
}

function need<F>(made: F | undefined, plugin: string): F {
  if (made !== undefined) return made
  throw new Error(
    `expected dayjs with the plug-in ${plugin}, with which the date was made; load it: dayjs.extend(${plugin})`,
  )
}
