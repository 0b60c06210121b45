// What it costs to check a value when it is stored, compared with encoding it and with parsing it from JSON. A hit does not check.
// Run: npx tsx bench/micro/data-check.ts

import { bench, boxplot, do_not_optimize, run, summary } from 'mitata'
import { createMsgpackCodec } from '../../src/codec/payload/msgpack.js'
import { isPlainData } from '../../src/model/values/data-check.js'
import { ValueRules } from '../../src/model/values/value-rules.js'

const user = { id: 1, name: 'Ada Lovelace', email: 'ada@example.com', active: true, roles: ['admin'], address: null }

class Money {
  constructor(readonly cents: number) {}
}

const VALUES = {
  'a user': user,
  '100 rows': Array.from({ length: 100 }, (_, id) => ({ ...user, id, at: new Date(id) })),
  '1,536 numbers': Array.from({ length: 1536 }, Math.random),
}

const codec = createMsgpackCodec()
const rules = new ValueRules(
  [
    {
      name: 'money',
      is: (value) => value instanceof Money,
      encode: (value) => (value as Money).cents,
      decode: (cents) => new Money(cents as number),
    },
  ],
  'exact',
)

for (const [name, value] of Object.entries(VALUES)) {
  const json = JSON.stringify(value)
  boxplot(() => {
    summary(() => {
      bench(`${name}: check`, () => do_not_optimize(isPlainData(value))).baseline(true)
      bench(`${name}: encode`, () => do_not_optimize(codec.encode(value)))
      bench(`${name}: JSON.parse`, () => do_not_optimize(JSON.parse(json)))
    })
  })
}

const priced = VALUES['100 rows'].map((row) => ({ ...row, price: new Money(row.id) }))
boxplot(() => {
  bench('100 rows with a value of an extension: check', () => do_not_optimize(rules.accept(priced, 'everywhere')))
})

await run()
