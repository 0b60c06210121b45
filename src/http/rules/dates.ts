// HTTP dates (RFC 9110 §5.6.7): the three formats, and nothing else. `Date.parse` accepts much that is no HTTP date.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)'
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d\\d) ([A-Z][a-z]{2}) (\\d{4}) ${TIME} GMT$`)
const RFC_850 = new RegExp(
  `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d\\d)-([A-Z][a-z]{2})-(\\d\\d) ${TIME} GMT$`,
)
const ASCTIME = new RegExp(`^${DAY} ([A-Z][a-z]{2}) ([ \\d]\\d) ${TIME} (\\d{4})$`)

/** The time of an HTTP date in milliseconds since 1970; `undefined` if `text` is none. `nowMs` decides the century of a year of two digits. */
export function parseDate(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const fixed = IMF_FIXDATE.exec(text)
  if (fixed !== null) {
    const [, day, month, year, hour, minute, second] = fixed
    return timeOf([Number(year), month, day, hour, minute, second])
  }
  const old = RFC_850.exec(text)
  if (old !== null) {
    const [, day, month, year, hour, minute, second] = old
    return timeOf([centuryOf(Number(year), nowMs), month, day, hour, minute, second])
  }
  const [, month, day, hour, minute, second, year] = ASCTIME.exec(text) ?? []
  return month === undefined ? undefined : timeOf([Number(year), month, day, hour, minute, second])
}

/** A time as an HTTP date. */
export function formatDate(atMs: number): string {
  return new Date(atMs).toUTCString()
}

/** Year, name of the month, day, hour, minute, second. */
type Parts = readonly [number, ...(string | undefined)[]]

function timeOf([year, monthName = '', ...rest]: Parts): number | undefined {
  const month = MONTHS.indexOf(monthName)
  const [day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number)
  if (month < 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined
  return Date.UTC(year, month, day, hour, minute, second)
}

/** A year of two digits that appears to be more than 50 years in the future is one of the past (RFC 9110 §5.6.7). */
function centuryOf(year: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const near = thisYear - (thisYear % 100) + year
  return near > thisYear + 50 ? near - 100 : near
}
