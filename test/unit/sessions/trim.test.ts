// What is trimmed of a session, for the items of each SDK.
import { sessionStore } from 'tiercache/sessions'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

interface Item {
  readonly role?: string
  readonly type?: string
  readonly [name: string]: unknown
}

async function kept(items: readonly (readonly Item[])[], bounds: { maxItems?: number; maxBytes?: number }) {
  const { cache } = l1Only()
  const chats = sessionStore<Item>(cache, { name: 'chats', ...bounds })
  for (const some of items) await chats.append('c', some)
  return chats.items('c')
}

const user = (content: string): Item => ({ role: 'user', content })

/** A call and its result, as each SDK writes them. */
const PAIRS: [string, Item, Item][] = [
  [
    'OpenAI chat completions',
    { role: 'assistant', tool_calls: [{ id: 't1', type: 'function' }] },
    { role: 'tool', tool_call_id: 't1' },
  ],
  ['OpenAI responses', { type: 'function_call', call_id: 't1' }, { type: 'function_call_output', call_id: 't1' }],
  [
    'Anthropic',
    { role: 'assistant', content: [{ type: 'text' }, { type: 'tool_use', id: 't1' }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1' }] },
  ],
  [
    'AI SDK',
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 't1' }] },
    { role: 'tool', content: [{ type: 'tool-result', toolCallId: 't1' }] },
  ],
]

test('the oldest items go first, and instructions stay', async () => {
  const system = { role: 'system', content: 'be brief' }
  const items = await kept([[user('0'), system], [user('1')], [user('2')], [user('3')]], { maxItems: 3 })
  expect(items).toEqual([system, user('2'), user('3')])
})

test('a bound of bytes holds whatever the number of items', async () => {
  const long = user('x'.repeat(100))
  const items = await kept([[long], [long], [user('1')]], { maxBytes: 200 })
  expect(items).toEqual([long, user('1')])
})

describe.each(PAIRS)('of %s', (_, call, result) => {
  test('a tool call and its result go together', async () => {
    expect(await kept([[call, user('1'), result], [user('2')]], { maxItems: 3 })).toEqual([user('1'), user('2')])
  })

  test('a call that waits for its result outlives older and newer items', async () => {
    expect(await kept([[user('0'), call], [user('1')], [user('2')], [result]], { maxItems: 3 })).toEqual([
      call,
      user('2'),
      result,
    ])
  })

  test('a result whose call is gone goes, too', async () => {
    const alone = await kept([[call], [user('1')], [user('2')], [result], [user('3')]], { maxItems: 1 })
    expect(alone).toEqual([user('3')])
    expect(await kept([[call, user('1')], [user('2'), user('3')], [result], [user('4')]], { maxItems: 2 })).toEqual([
      user('3'),
      user('4'),
    ])
  })
})

test('a bound is never exceeded: what cannot be trimmed is refused', async () => {
  const { cache } = l1Only()
  const chats = sessionStore<Item>(cache, { name: 'chats', maxItems: 2 })
  await chats.append('c', [{ role: 'system' }, user('1')])
  await expect(chats.append('c', [user('2'), user('3')])).rejects.toMatchObject({ code: 'SESSION_FULL' })
  expect(await chats.items('c')).toEqual([{ role: 'system' }, user('1')])
})
