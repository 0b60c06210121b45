// The ready-made extensions with the real packages: values come out of L2 unchanged, with the class of the process that reads them.
import { Temporal } from '@js-temporal/polyfill'
import { Decimal as PrismaDecimal } from '@prisma/client-runtime-utils'
import Big from 'big.js'
import { BigNumber } from 'bignumber.js'
import { ObjectId } from 'bson'
import dayjsLib from 'dayjs'
import timezone from 'dayjs/plugin/timezone.js'
import utc from 'dayjs/plugin/utc.js'
import { Decimal } from 'decimal.js'
import { DateTime, Duration, Interval } from 'luxon'
import { type CacheOptions, createCache } from 'tiercache'
import { dayjs, decimal, luxon, objectId, temporal } from 'tiercache/extensions'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { expect, test } from 'vitest'

dayjsLib.extend(utc)
dayjsLib.extend(timezone)

type Extend = NonNullable<CacheOptions['extend']>

/** The value that another process reads from L2. */
async function throughL2(value: object, extend: Extend): Promise<unknown> {
  const server = new MemoryServer()
  const [writer, reader] = [0, 1].map(() => createCache({ l2: memoryTier(server), extend })) as [Cache, Cache]
  expect(await writer.set('k', { nested: [value] })).toBe('applied')
  const read = (await reader.get('k')) as { nested: unknown[] }
  const { tier } = (await writer.lookup('k')) as { tier?: string }
  await Promise.all([writer.close(), reader.close()])
  expect(tier).toBe('l1')
  return read.nested[0]
}

type Cache = ReturnType<typeof createCache>

const DIGITS = [
  '0',
  '-0',
  '0.1',
  '-12345678901234567890.123456789012345678901',
  '1e+400',
  '3.14159265358979323846264338327950288',
]

test.each([
  ['decimal.js', Decimal],
  ["Prisma's Decimal", PrismaDecimal],
  ['bignumber.js', BigNumber],
])('numbers of %s keep all their digits, their sign of zero, NaN and infinity', async (_, Class) => {
  const NumberClass = Class as unknown as new (text: string) => Decimal
  for (const text of [...DIGITS, 'NaN', 'Infinity', '-Infinity']) {
    const value = new NumberClass(text)
    const read = (await throughL2(value, [decimal(NumberClass)])) as Decimal
    expect(read).toBeInstanceOf(NumberClass)
    expect(read.valueOf()).toBe(value.valueOf())
  }
})

test('numbers of big.js keep all their digits', async () => {
  for (const text of DIGITS) {
    const read = (await throughL2(new Big(text), [decimal(Big)])) as Big
    expect(read).toBeInstanceOf(Big)
    expect(read.valueOf()).toBe(new Big(text).valueOf())
  }
})

test('a decimal of another copy of decimal.js is recognised, and comes back as one of the class given', async () => {
  const Other = Decimal.clone({ precision: 40 })
  const read = await throughL2(new Other('1.5'), [decimal(Decimal)])
  expect(read).toBeInstanceOf(Decimal)
  expect(String(read)).toBe('1.5')
})

test('ids of MongoDB come back as ids', async () => {
  const id = new ObjectId()
  const read = (await throughL2(id, [objectId(ObjectId)])) as ObjectId
  expect(read).toBeInstanceOf(ObjectId)
  expect(read.equals(id)).toBe(true)
})

const berlin = DateTime.fromISO('2026-03-29T02:30:00', { zone: 'Europe/Berlin', locale: 'de', numberingSystem: 'beng' })

test.each([
  ['in a zone', berlin],
  ['in UTC', DateTime.utc(2026, 1, 31, 23, 59, 59, 999)],
  ['at a fixed offset', DateTime.fromISO('2026-01-01T00:00:00+05:30', { setZone: true })],
  ['in the zone of the system', DateTime.local(2026, 7, 1)],
])('a DateTime of Luxon %s comes back with zone and locale', async (_, value) => {
  const read = (await throughL2(value, luxon({ DateTime, Duration, Interval }))) as DateTime
  expect(DateTime.isDateTime(read)).toBe(true)
  expect(read.equals(value)).toBe(true)
})

test('a Duration and an Interval of Luxon come back', async () => {
  const duration = Duration.fromObject({ months: 1, days: 30.5 }, { locale: 'fr', conversionAccuracy: 'longterm' })
  expect((await throughL2(duration, luxon({ DateTime, Duration, Interval }))) as Duration).toSatisfy(
    (read: Duration) =>
      read.equals(duration) && (read as Duration & { conversionAccuracy: string }).conversionAccuracy === 'longterm',
  )
  const interval = Interval.after(berlin, { hours: 3 })
  expect(((await throughL2(interval, luxon({ DateTime, Duration, Interval }))) as Interval).equals(interval)).toBe(true)
})

test('an invalid DateTime of Luxon is refused', async () => {
  const cache = createCache({ extend: luxon({ DateTime, Duration, Interval }), l2: memoryTier(new MemoryServer()) })
  await expect(cache.set('k', DateTime.invalid('test'))).rejects.toMatchObject({ code: 'UNSUPPORTED_VALUE' })
  await cache.close()
})

test.each([
  ['local', dayjsLib('2026-05-04T03:02:01.007')],
  ['of UTC', dayjsLib.utc('2026-05-04T03:02:01.007')],
  ['of a zone', dayjsLib.tz('2026-05-04 03:02', 'Asia/Tokyo')],
])('a date of Day.js that is %s comes back', async (_, value) => {
  const read = (await throughL2(value.locale('en'), [dayjs(dayjsLib)])) as typeof value
  expect(dayjsLib.isDayjs(read)).toBe(true)
  expect([read.valueOf(), read.format(), read.locale()]).toEqual([value.valueOf(), value.format(), 'en'])
})

test.each([
  Temporal.Instant.from('2026-01-02T03:04:05.123456789Z'),
  Temporal.ZonedDateTime.from('2026-01-02T03:04:05.123456789[Europe/Berlin][u-ca=hebrew]'),
  Temporal.PlainDateTime.from('2026-01-02T03:04:05.123456789'),
  Temporal.PlainDate.from('2026-01-02[u-ca=japanese]'),
  Temporal.PlainTime.from('03:04:05.123456789'),
  Temporal.PlainYearMonth.from('2026-01'),
  Temporal.PlainMonthDay.from('02-29'),
  Temporal.Duration.from('P1Y2M3DT4H5M6.007008009S'),
])('%s of Temporal comes back to the nanosecond, with zone and calendar', async (value) => {
  const read = await throughL2(value, temporal(Temporal))
  expect(read).toBeInstanceOf(value.constructor)
  expect(String(read)).toBe(String(value))
})
