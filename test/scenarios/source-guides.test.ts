// The programs in the guides on sources, batching, write-through and read-modify-write do what their comments say.
import * as tiercache from 'tiercache'
import * as testing from 'tiercache/testing'
import { expect, test } from 'vitest'
import { runGuide } from '../support/guide.js'

const modules = { tiercache, 'tiercache/testing': testing }

test.each(['sources', 'batching', 'write-through', 'read-modify-write'])(
  'the program of the guide %s prints what the guide says',
  async (name) => {
    const { promised, printed } = await runGuide(name, modules)
    expect(promised.length).toBeGreaterThan(5)
    expect(printed).toEqual(promised)
  },
)
