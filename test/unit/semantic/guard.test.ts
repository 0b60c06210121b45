// What the guard keeps apart, what it lets through, and which questions are not cached.
import { guardOf, hasToolCalls, refusalOf } from 'tiercache/semantic'
import { describe, expect, test } from 'vitest'

const strict = guardOf('strict')
const facts = guardOf('facts')

describe('the guard keeps apart', () => {
  test.each([
    ['numbers', 'What is 20 % of 50?', 'What is 25 % of 50?'],
    ['numbers', 'How do I set up three servers?', 'How do I set up four servers?'],
    ['numbers', 'What costs 1,000 dollars?', 'What costs 10,000 dollars?'],
    ['units', 'How long is 5 km?', 'How long is 5 miles?'],
    ['units', 'What costs $10?', 'What costs €10?'],
    ['quoted', 'What does "break a leg" mean?', 'What does "break a bone" mean?'],
    ['identifiers', 'What changed in v2.1.0?', 'What changed in v2.1.1?'],
    ['identifiers', 'What does ERR_42 mean?', 'What does ERR_43 mean?'],
    ['identifiers', 'How do I call getUser?', 'How do I call getUsers?'],
    ['names', 'What is the capital of France?', 'What is the capital of Spain?'],
    ['negation', 'Which foods are safe for dogs?', 'Which foods are not safe for dogs?'],
    ['negation', 'Why does it work?', "Why doesn't it work?"],
    ['negation', 'Can it run with a licence?', 'Can it run without a licence?'],
    ['asked', 'When did the war end?', 'Where did the war end?'],
    ['markers', 'What to eat before a run?', 'What to eat after a run?'],
    ['markers', 'Was the shop open?', 'Is the shop open?'],
    ['roles', 'How do I fly from Berlin to Paris?', 'How do I fly from Paris to Berlin?'],
    ['roles', 'What are 5 dollars in euros?', 'What are 5 euros in dollars?'],
    ['roles', 'How do I subtract 5 from 10?', 'How do I subtract 10 from 5?'],
    ['roles', 'Do cats chase dogs?', 'Do dogs chase cats?'],
    ['roles', 'Is a whale larger than a bus?', 'Is a bus larger than a whale?'],
    ['roles', 'Was the dog bitten by the man?', 'Was the man bitten by the dog?'],
    ['opposites', 'How do I enable caching?', 'How do I disable caching?'],
    ['opposites', 'Is it possible to undo a merge?', 'Is it impossible to undo a merge?'],
    ['opposites', 'Is this drug harmful to children?', 'Is this drug harmless to children?'],
  ])('%s: %s / %s', (reason, a, b) => {
    expect([strict(a, b), strict(b, a)]).toEqual([reason, reason])
    expect(facts(a, b)).toBe(reason)
  })

  test('with strict also a word in place of another one, and what is not English', () => {
    expect(strict('Is cocoa good for the heart?', 'Is coffee good for the heart?')).toBe('words')
    expect(facts('Is cocoa good for the heart?', 'Is coffee good for the heart?')).toBeUndefined()
    expect(strict('Wie ändere ich das Passwort?', 'Wie ändere ich das Passwort hier?')).toBe('language')
    expect(strict('パスワードを変更する方法', 'パスワードを変更する方法は')).toBe('language')
  })
})

describe('the guard lets through', () => {
  test.each([
    ['How do I cancel an order?', 'Please tell me how to cancel an order'],
    ['What is the capital of France?', 'what is the capital of france'],
    ['What is the price of the ticket?', 'What is the ticket price?'],
    ['How can I reset a password?', 'How do you reset passwords?'],
    ['Which is better, cats or dogs?', 'Which is better, dogs or cats?'],
    ['How do I buy a ticket?', 'How can I purchase a ticket?'],
    ['What is 5 kilometers in miles?', 'What is 5 km in miles?'],
    ["What's the refund policy?", 'What is the refund policy?'],
  ])('%s / %s', (a, b) => {
    expect([strict(a, b), strict(b, a)]).toEqual([undefined, undefined])
  })

  test('words of groups of your own', () => {
    const own = guardOf('strict', [['invoice', 'bill']])
    expect(strict('How do I download an invoice?', 'How do I download a bill?')).toBe('words')
    expect(own('How do I download an invoice?', 'How do I download a bill?')).toBeUndefined()
  })
})

describe('a question is not cached', () => {
  test.each([
    ['personal', 'What is my balance?'],
    ['personal', 'Am I eligible for a refund?'],
    ['personal', 'When will our order arrive?'],
    ['time', 'What is the weather today?'],
    ['time', 'Who is the current president?'],
    ['time', 'What happened last week?'],
    [undefined, 'How do I cancel an order?'],
    [undefined, 'Can you tell me the capital of France?'],
    [undefined, 'What is the last letter of the alphabet?'],
  ])('%s: %s', (reason, text) => void expect(refusalOf(text)).toBe(reason))

  test('if its answer calls tools, in the form of the common SDKs', () => {
    expect(hasToolCalls({ choices: [{ message: { tool_calls: [{ id: 'a' }] } }] })).toBe(true)
    expect(hasToolCalls({ content: [{ type: 'tool_use', id: 'a' }] })).toBe(true)
    expect(hasToolCalls({ text: '', toolCalls: [{ toolCallId: 'a' }] })).toBe(true)
    expect(hasToolCalls({ output: [{ type: 'function_call' }] })).toBe(true)
    expect(hasToolCalls({ choices: [{ message: { content: 'hi', tool_calls: [] } }] })).toBe(false)
    expect(hasToolCalls('text')).toBe(false)
  })
})
