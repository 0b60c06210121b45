// Everything that must be one atomic step in Redis and is no single command. A script touches no key but those it is given.
//
// Every command may be executed again later: a client resends what a dropped link left unanswered, a packet is delivered late. Beside
// each script stands why that is harmless. The arguments rest on one invariant (G1): **what once stood under an entry key and is gone
// never stands there again**, so whoever expects it to stand there still is refused, however late he comes. Hence nothing is planted
// that its command alone determines: it is made of the moment, or conditional on something that never comes back, or recorded in
// the key's change mark.
import { createHash } from 'node:crypto'
import { LONGEST_LEASE_MS } from '../../model/limits.js'

/** A Lua script and the name by which the server knows it once it has it. */
export interface Script {
  readonly body: string
  readonly sha: string
}

function script(body: string): Script {
  return { body, sha: createHash('sha1').update(body).digest('hex') }
}

/** Without a flag the server refuses a script that may write when it is out of memory. */
const REFUSED_WHEN_FULL = '#!lua\n'
/** What removes, or overwrites in place, must work when the server is out of memory. */
const ALSO_WHEN_FULL = '#!lua flags=allow-oom\n'

/** The moment of execution: microseconds of the server's clock in 16 digits, so that moments compare as strings. */
const MOMENT = `local time = redis.call('TIME')
local moment = time[1] .. string.sub('00000' .. time[2], -6)
`

/**
 * How long a change mark lives, and how old a command may be that goes by it. A younger command meets every mark that was left since
 * it was sent; an older one is refused and, if somebody still waits for it, sent again.
 */
const MARK_MS = 6_000
export const LATEST_MS = 5_000

/**
 * KEYS: key. ARGV: expected first bytes, new value, life in ms. 1 when stored. A key of another type is not what was expected.
 * Executed again: what is expected was replaced by the first execution or is gone, and never comes back.
 */
export const SWAP = script(`${REFUSED_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

/** The same for many keys. KEYS: keys. ARGV: per key expected first bytes, new value, life in ms. Per key 1 when stored. */
export const SWAP_MANY = script(`${REFUSED_WHEN_FULL}
local stored = {}
for i = 1, #KEYS do
  local expected = ARGV[3 * i - 2]
  if redis.pcall('GETRANGE', KEYS[i], 0, #expected - 1) == expected then
    redis.call('SET', KEYS[i], ARGV[3 * i - 1], 'PX', ARGV[3 * i])
    stored[i] = 1
  else
    stored[i] = 0
  end
end
return stored`)

/**
 * KEYS: keys. ARGV: per key a lease and its life in ms. Per key what stands there now: what stood there, or the lease followed by the
 * moment of its planting, in an array where something else had to go for it: of another type (then the array has one element), or
 * with a life that no cache gave it (then it has two, see `canBeOurs`). A lease is small and short-lived, so it is planted also when
 * the server is out of memory.
 * Executed again: where nothing stands another lease is planted, since the moment is another. Nobody fills for it, and it expires.
 *
 * If somebody took the end from a lease or a fence of ours, replacing it is what its expiry would be: who expects it to stand is
 * refused (a fill), or removes what stands there instead (a writer who is done). So G1 holds for it, too.
 */
export const CLAIM = script(`${ALSO_WHEN_FULL}${MOMENT}
local function canBeOurs(key, there)
  if #there < 16 or string.sub(there, 1, 2) ~= '\\199\\30' then return true end
  local format, state = string.byte(there, 3, 4)
  if format > 1 then return redis.call('PTTL', key) >= 0 end
  if format < 1 or (state ~= 0 and state ~= 3) then return true end
  local left = redis.call('PTTL', key)
  return left >= 0 and left <= ${LONGEST_LEASE_MS}
end
local standing = {}
for i = 1, #KEYS do
  local there = redis.pcall('GET', KEYS[i])
  if type(there) == 'string' and canBeOurs(KEYS[i], there) then
    standing[i] = there
  else
    local lease = ARGV[2 * i - 1] .. moment
    redis.call('SET', KEYS[i], lease, 'PX', ARGV[2 * i])
    standing[i] = lease
    if there then standing[i] = type(there) == 'string' and { lease, 'life' } or { lease } end
  end
end
return standing`)

/**
 * KEYS: per change the key and its change mark. ARGV: the moment before which this was not sent, the moment after which it is too late,
 * then per change a value and its life in ms. The moment of execution, then per change 1 when stored and 0 when refused: the key was
 * changed after this was sent, or it is too late.
 * Executed again: the first execution left a mark that is later than the sending. So each change is executed once at most, and not
 * at all once a later one was, be it a deletion that leaves nothing else behind.
 */
export const PUT = script(`${REFUSED_WHEN_FULL}${MOMENT}
local done = { moment }
for i = 1, #KEYS / 2 do
  local mark = KEYS[2 * i]
  local changedAt = redis.pcall('GET', mark)
  if moment > ARGV[2] or (type(changedAt) == 'string' and changedAt > ARGV[1]) then
    done[i + 1] = 0
  else
    redis.call('SET', KEYS[2 * i - 1], ARGV[2 * i + 1], 'PX', ARGV[2 * i + 2])
    redis.call('SET', mark, moment, 'PX', ${MARK_MS})
    done[i + 1] = 1
  end
end
return done`)

/**
 * KEYS: per key that key and its change mark. The moment of execution, and how many keys there were.
 * Executed again: at worst something newer goes, a miss.
 */
export const REMOVE = script(`${ALSO_WHEN_FULL}${MOMENT}
local removed = 0
for i = 1, #KEYS, 2 do
  removed = removed + redis.call('UNLINK', KEYS[i])
  redis.call('SET', KEYS[i + 1], moment, 'PX', ${MARK_MS})
end
return { moment, removed }`)

/** KEYS: key. ARGV: expected first bytes. 1 when removed. Executed again: as with SWAP. */
export const REMOVE_IF = script(`${ALSO_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1`)

/**
 * KEYS: key. ARGV: expected first bytes, new value, life in ms. Stores where the key begins as expected, else removes it; what was
 * stored already by the same command, sent twice, stays.
 * Executed again: the fence that it expects was put, so it never comes back; at worst something newer goes, a miss.
 */
export const REPLACE_OR_REMOVE = script(`${REFUSED_WHEN_FULL}
local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
elseif head ~= string.sub(ARGV[2], 1, #ARGV[1]) then
  redis.call('UNLINK', KEYS[1])
end
return 1`)

/**
 * KEYS: key. ARGV: expected first bytes, life in ms. 1 when renewed.
 * Executed again: a lease that nobody fills for any more stands for one life more, while it still stands.
 */
export const EXTEND_IF = script(`${ALSO_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

/**
 * KEYS: key, its change mark. ARGV: the moments as in PUT, the new stamp. A live entry (magic C7 1E, format 1, state 1 or 2) gets the
 * stamp and keeps its life; whatever else stands there is removed. The moment of execution, then 1, or 0 when refused, as in PUT.
 * Executed again: refused, as with PUT. Without that the stamp could come back, which a refresh that began after the first execution
 * expects.
 */
export const EXPIRE_ENTRY = script(`${ALSO_WHEN_FULL}${MOMENT}
local changedAt = redis.pcall('GET', KEYS[2])
if moment > ARGV[2] or (type(changedAt) == 'string' and changedAt > ARGV[1]) then return { moment, 0 } end
local stamp = redis.pcall('GETRANGE', KEYS[1], 0, 15)
local head = type(stamp) == 'string' and #stamp == 16 and string.sub(stamp, 1, 4)
if head == '\\199\\30\\1\\1' or head == '\\199\\30\\1\\2' then
  redis.call('SETRANGE', KEYS[1], 0, ARGV[3])
else
  redis.call('UNLINK', KEYS[1])
end
redis.call('SET', KEYS[2], moment, 'PX', ${MARK_MS})
return { moment, 1 }`)

/**
 * KEYS: stream, then token keys. ARGV: field ('' appends nothing), announcement, longest stream, then per token key what its new soft
 * half is made of, or '' to remove it. Answers the id of what was appended. A stream key of another type is replaced.
 * Executed again: tokens that are newer go, or get a soft half that they never had; what is announced again is forgotten again.
 */
export const ANNOUNCE = script(`${ALSO_WHEN_FULL}${MOMENT}
local gone = {}
for i = 2, #KEYS do
  local soft = ARGV[i + 2]
  if soft ~= '' and redis.pcall('STRLEN', KEYS[i]) == 32 then
    redis.call('SETRANGE', KEYS[i], 16, string.sub(redis.sha1hex(soft .. moment), 1, 16))
  else
    gone[#gone + 1] = KEYS[i]
  end
end
for first = 1, #gone, 1000 do
  redis.call('UNLINK', unpack(gone, first, math.min(first + 999, #gone)))
end
if ARGV[1] == '' then return '' end
local id = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', ARGV[1], ARGV[2])
if type(id) == 'table' and id.err then
  redis.call('UNLINK', KEYS[1])
  id = redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
end
return id`)

/** KEYS: key. Answers what its value begins with: a stamp and more, or a whole token. From the master, which GETRANGE might not be. */
export const READ_HEAD = script(`${ALSO_WHEN_FULL}
return redis.call('GETRANGE', KEYS[1], 0, 31)`)

const LOG_SINCE = `
local log = false
if ARGV[2] ~= '' then
  local at = redis.pcall('XRANGE', KEYS[1], ARGV[2], ARGV[2])
  if at.err == nil and #at == 1 then
    log = redis.pcall('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
    if log.err ~= nil or #log >= tonumber(ARGV[3]) then log = false end
  end
end
return {tokens, log}`

/**
 * KEYS: stream, then token keys. ARGV: life in ms, position ('' for none), most announcements, then a candidate per token key.
 * What is planted is made of the candidate and the moment: a command that is executed once more, by a client that resends it, must not
 * plant a token that was invalidated in between. A token is given a third more than was asked for, so that it is seldom renewed: a renewal is
 * a write, which a tracking bus tells everybody.
 * What is no token of ours (32 hex digits) is replaced, and one without an end is given one: neither would ever go away.
 * Answers the tokens, planted where there were none, and the entries after the position, or nil if the log no longer holds it:
 * while the position's own entry is there, nothing after it was trimmed.
 */
export const ENSURE_TOKENS = script(`${REFUSED_WHEN_FULL}${MOMENT}
local keepMs = tonumber(ARGV[1])
local givenMs = math.ceil(keepMs * 4 / 3)
local tokens = {}
for i = 2, #KEYS do
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'string' and #held == 32 and not string.find(held, '[^0-9a-f]') then
    if redis.call('PTTL', KEYS[i]) < keepMs then redis.call('PEXPIRE', KEYS[i], givenMs) end
    tokens[i - 1] = held
  else
    local token = string.sub(redis.sha1hex(ARGV[i + 2] .. moment), 1, 32)
    redis.call('SET', KEYS[i], token, 'PX', givenMs)
    tokens[i - 1] = token
  end
end
${LOG_SINCE}`)

/** The same without planting: nil where there is no token. */
export const READ_TOKENS = script(`${ALSO_WHEN_FULL}
local tokens = {}
for i = 2, #KEYS do
  local held = redis.pcall('GET', KEYS[i])
  tokens[i - 1] = type(held) == 'string' and held
end
${LOG_SINCE}`)

/** Loaded into each server when its connection stands, so that none is missing in the middle of a batch. */
export const ALL_SCRIPTS: readonly Script[] = [
  SWAP,
  SWAP_MANY,
  CLAIM,
  PUT,
  REMOVE,
  REMOVE_IF,
  REPLACE_OR_REMOVE,
  EXTEND_IF,
  EXPIRE_ENTRY,
  ANNOUNCE,
  ENSURE_TOKENS,
  READ_TOKENS,
  READ_HEAD,
]
