// Luxon's DateTime, Duration and Interval.
import type { Extension } from '../model/values/extension.js'

interface LuxonDateTime {
  readonly isValid: boolean
  readonly locale: string | null
  readonly numberingSystem: string | null
  readonly outputCalendar: string | null
  readonly zone: { readonly type: string; readonly name: string }
  toMillis(): number
}

interface LuxonDuration {
  readonly isValid: boolean
  readonly locale: string | null
  readonly numberingSystem: string | null
  readonly conversionAccuracy: string
  toObject(): object
}

interface LuxonInterval {
  readonly isValid: boolean
  readonly start: LuxonDateTime | null
  readonly end: LuxonDateTime | null
}

/** What the package `luxon` exports, as far as it is used here. */
export interface Luxon {
  readonly DateTime: { isDateTime(value: unknown): boolean; fromMillis(ms: number, options: object): object }
  readonly Duration: { isDuration(value: unknown): boolean; fromObject(units: object, options: object): object }
  readonly Interval: { isInterval(value: unknown): boolean; fromDateTimes(start: never, end: never): object }
}

/** What `encode` makes of a DateTime. The zone of the system is the one of the process that reads. */
type Moment = readonly [ms: number, zone: string, options: object]

/**
 * Keeps Luxon's dates: `extend: luxon({ DateTime, Duration, Interval })`. Zone, locale, numbering system and calendar survive. An invalid
 * date is refused with `UNSUPPORTED_VALUE`, since Luxon does not restore one.
 */
export function luxon({ DateTime, Duration, Interval }: Luxon): Extension[] {
  const decodeMoment = (data: unknown): object => {
    const [ms, zone, options] = data as Moment
    return DateTime.fromMillis(ms, { zone, ...options })
  }
  return [
    {
      name: 'luxon.DateTime',
      is: (value) => DateTime.isDateTime(value),
      encode: (value) => encodeMoment(value as LuxonDateTime),
      decode: decodeMoment,
    },
    {
      name: 'luxon.Duration',
      is: (value) => Duration.isDuration(value),
      encode: (value) => {
        const duration = valid(value as LuxonDuration)
        const { conversionAccuracy } = duration
        return [duration.toObject(), { ...localeOf(duration), conversionAccuracy }]
      },
      decode: (data) => Duration.fromObject(...(data as [object, object])),
    },
    {
      name: 'luxon.Interval',
      is: (value) => Interval.isInterval(value),
      encode: (value) => {
        const { start, end } = valid(value as LuxonInterval)
        return [encodeMoment(start as LuxonDateTime), encodeMoment(end as LuxonDateTime)]
      },
      decode: (data) => {
        const [start, end] = (data as [unknown, unknown]).map(decodeMoment)
        return Interval.fromDateTimes(start as never, end as never)
      },
    },
  ]
}

function encodeMoment(value: LuxonDateTime): Moment {
  const date = valid(value)
  const { outputCalendar, zone } = date
  const options = { ...localeOf(date), ...(outputCalendar !== null && { outputCalendar }) }
  return [date.toMillis(), zone.type === 'system' ? 'system' : zone.name, options]
}

function localeOf({ locale, numberingSystem }: Pick<LuxonDateTime, 'locale' | 'numberingSystem'>): object {
  return { ...(locale !== null && { locale }), ...(numberingSystem !== null && { numberingSystem }) }
}

function valid<T extends { readonly isValid: boolean }>(value: T): T {
  if (value.isValid) return value
  throw new Error(
    `expected a valid ${value.constructor.name} of Luxon; got an invalid one. Check isValid before you cache it`,
  )
}
