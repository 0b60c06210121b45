// Store cases: the tokens of labels.
import assert from 'node:assert/strict'
import { newSoftHalf, newToken } from '../../../model/labels.js'
import { assertApplied, conformanceCase, LONG_LIFE_MS, PAST_SHORT_LIFE_MS, SHORT_LIFE_MS } from '../bench.js'

const keepMs = LONG_LIFE_MS

function assertDistinctTokens(tokens: readonly (string | undefined)[]): void {
  for (const token of tokens) assert.match(String(token), /^[0-9a-f]{32}$/)
  assert.equal(new Set(tokens).size, tokens.length)
}

export const labelCases = [
  conformanceCase(
    'ensureTokens plants a token for each label without one, and returns the tokens of the others',
    [],
    async (bench) => {
      const [one, other] = [await bench.openStore(), await bench.openStore()]
      const labels = [bench.label('a'), bench.label('b'), bench.label('c')]
      const [b] = (await one.store.ensureTokens([labels[1]!], [newToken()], keepMs, undefined)).tokens
      const { tokens } = await other.store.ensureTokens(labels, labels.map(newToken), keepMs, undefined)
      assert.equal(tokens[1], b)
      assertDistinctTokens(tokens)
      assert.deepEqual(await one.store.readTokens(labels), tokens)
    },
  ),

  conformanceCase(
    'readTokens returns tokens in the order of the labels, undefined for a label without one',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const labels = [bench.label('a'), bench.label('b')]
      const [a, b] = (await store.ensureTokens(labels, labels.map(newToken), keepMs, undefined)).tokens
      const asked = [bench.label('b'), bench.label('none'), bench.label('a'), bench.label('b')]
      assert.deepEqual(await store.readTokens(asked), [b, undefined, a, b])
    },
  ),

  conformanceCase('processes that plant tokens of the same labels at once get the same tokens', [], async (bench) => {
    const stores = [await bench.openStore(), await bench.openStore()]
    const labels = Array.from({ length: 10 }, (_, index) => bench.label(index))
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        stores[index % 2]!.store.ensureTokens(labels, labels.map(newToken), keepMs, undefined),
      ),
    )
    for (const { tokens } of answers) assert.deepEqual(tokens, answers[0]!.tokens)
  }),

  conformanceCase('any two different labels have separate tokens, whatever their text', [], async (bench) => {
    const { store } = await bench.openStore()
    const texts = [
      '',
      ' ',
      'a',
      'A',
      'a\n',
      'a\0',
      '{a}',
      '}{',
      '%7Ba%7D',
      '*',
      '#',
      'é',
      'e\u0301',
      '😀',
      'x'.repeat(300),
    ]
    const labels = texts.flatMap((text) => [bench.label(text), `c:${bench.context.prefix}${text}`])
    const { tokens } = await store.ensureTokens(labels, labels.map(newToken), keepMs, undefined)
    assertDistinctTokens(tokens)
    assert.deepEqual(await store.readTokens(labels), tokens)
  }),

  conformanceCase(
    'a token lives for at least the time that the last ensureTokens asked for, and its life is never shortened',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const labels = [bench.label('renewed'), bench.label('long')]
      const { tokens } = await store.ensureTokens(labels, labels.map(newToken), SHORT_LIFE_MS, undefined)
      await store.ensureTokens(labels, labels.map(newToken), LONG_LIFE_MS, undefined)
      await store.ensureTokens([labels[1]!], [newToken()], SHORT_LIFE_MS, undefined)
      await bench.sleep(PAST_SHORT_LIFE_MS)
      assert.deepEqual(await store.readTokens(labels), tokens)
    },
  ),

  conformanceCase('invalidateLabel removes the token, and the next one planted is different', [], async (bench) => {
    const [one, other] = [await bench.openStore(), await bench.openStore()]
    const [gone, kept] = [bench.label('gone'), bench.label('kept')]
    const { tokens } = await one.store.ensureTokens([gone, kept], [newToken(), newToken()], keepMs, undefined)
    assertApplied(await other.store.apply([{ op: 'invalidateLabel', label: gone }], undefined), 1)
    assert.deepEqual(await one.store.readTokens([gone, kept]), [undefined, tokens[1]])
    const next = await one.store.ensureTokens([gone], [newToken()], keepMs, undefined)
    assertDistinctTokens([...tokens, ...next.tokens])
  }),

  conformanceCase(
    'ensureTokens executed twice does not restore a token that was invalidated in between',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const [label, candidate] = [bench.label(), newToken()]
      const first = await store.ensureTokens([label], [candidate], keepMs, undefined)
      assertApplied(await store.apply([{ op: 'invalidateLabel', label }], undefined), 1)
      const again = await store.ensureTokens([label], [candidate], keepMs, undefined)
      assertDistinctTokens([...first.tokens, ...again.tokens])
    },
  ),

  conformanceCase('expireLabel replaces the soft half of a token and keeps the hard half', [], async (bench) => {
    const { store } = await bench.openStore()
    const [token] = (await store.ensureTokens([bench.label()], [newToken()], keepMs, undefined)).tokens
    assertApplied(await store.apply([{ op: 'expireLabel', label: bench.label(), soft: newSoftHalf() }], undefined), 1)
    const [expired] = await store.readTokens([bench.label()])
    assert.match(expired ?? '', /^[0-9a-f]{32}$/)
    assert.equal(expired?.slice(0, 16), token?.slice(0, 16))
    assert.notEqual(expired, token)
  }),

  conformanceCase('expireLabel of a label without a token plants none', [], async (bench) => {
    const { store } = await bench.openStore()
    assertApplied(await store.apply([{ op: 'expireLabel', label: bench.label(), soft: newSoftHalf() }], undefined), 1)
    assert.deepEqual(await store.readTokens([bench.label()]), [undefined])
  }),

  conformanceCase(
    'one apply takes changes of labels and of entries, and returns a result for each',
    [],
    async (bench) => {
      const { store } = await bench.openStore()
      const label = bench.label()
      await store.ensureTokens([label], [newToken()], keepMs, undefined)
      const changes = [
        { op: 'invalidateLabel', label },
        { op: 'put', key: bench.key(), bytes: Buffer.from('kept'), keepMs },
        { op: 'expireLabel', label: bench.label('none'), soft: newSoftHalf() },
        { op: 'delete', key: bench.key('none') },
      ] as const
      assertApplied(await store.apply(changes, Buffer.from('announced')), changes.length)
      assert.deepEqual(await store.readTokens([label]), [undefined])
      assert.ok((await store.read([bench.key()]))[0])
    },
  ),
]
