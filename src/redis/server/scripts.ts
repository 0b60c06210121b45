// Everything that must be one atomic step in Redis but is not a single command. A script touches only the keys that it is given.
//
// Every command may be executed again later: a client resends commands that had no reply when the link dropped, and a packet may arrive
// late. The comment on each script says why that is harmless. The arguments rest on one invariant (G1): **a value that once stood under
// the key of an entry and is gone never stands there again**. So a command that expects that value is refused, however late it comes.
// Hence no command alone determines what it plants: the value contains the moment of its planting, or it is planted only where a value
// stands that never comes back, or the change is recorded in the change mark of the key.
import { createHash } from 'node:crypto'
import { LONGEST_LEASE_MS } from '../../model/limits.js'

/** A Lua script, and the hash by which the server finds it once it was loaded. */
export interface Script {
  readonly body: string
  readonly sha: string
}

function script(body: string): Script {
  return { body, sha: createHash('sha1').update(body).digest('hex') }
}

/** Without a flag, a server that is out of memory refuses a script that may write. */
const REFUSED_WHEN_FULL = '#!lua\n'
/** For scripts that remove, or overwrite in place: they must work when the server is out of memory. */
const ALSO_WHEN_FULL = '#!lua flags=allow-oom\n'

/** The moment of execution: microseconds of the server's clock in 16 digits, so that moments can be compared as strings. */
const MOMENT = `local time = redis.call('TIME')
local moment = time[1] .. string.sub('00000' .. time[2], -6)
`

/**
 * How long a change mark lives, and how old a command may be that depends on it. For a younger command every mark that was written since
 * its sending still exists. An older command is refused; it is sent again if a caller still waits for it.
 */
const MARK_MS = 6_000
export const LATEST_MS = 5_000

/** What stands under the key of a token while its label is held. It is no token, so nothing that carries the label is current. */
export const HELD_LABEL = 'hold'

/**
 * What is left of the hold under a key in ms, 0 if there is none. What lives for longer than any hold, or for ever, was left there by
 * another program and counts as nothing.
 *
 * Holds are harmless to G1: no load expects the bytes of one, so one that is planted again, by a command that is executed twice, causes
 * misses for as long as it lasts and brings nothing back.
 */
const leftOfHold = (isHold: string) => `local function leftOfHold(key)
  if not (${isHold}) then return 0 end
  local left = redis.call('PTTL', key)
  if left > 0 and left <= ${LONGEST_LEASE_MS} then return left end
  return 0
end
`
/** Under a token key. */
const LABEL_HOLD = leftOfHold(`redis.pcall('GETRANGE', key, 0, ${HELD_LABEL.length}) == '${HELD_LABEL}'`)
/** Under the key of an entry: a write fence with more behind its stamp. */
const KEY_HOLD = `local function isHold(head)
  return type(head) == 'string' and #head > 16 and string.sub(head, 1, 4) == '\\199\\30\\1\\3'
end
${leftOfHold("isHold(redis.pcall('GETRANGE', key, 0, 16))")}`

/**
 * Whether a value begins with the expected bytes. What stands where a lease is expected is nearly always a lease, and GET is the faster
 * command. An entry may be long, so only its beginning is read.
 */
const BEGINS_WITH = `local pcall, sub = redis.pcall, string.sub
local function beginsWith(key, expected)
  if #expected == 16 then return pcall('GETRANGE', key, 0, 15) == expected end
  local there = pcall('GET', key)
  return type(there) == 'string' and sub(there, 1, #expected) == expected
end
`

/**
 * KEYS: key. ARGV: expected first bytes, new value, life in ms. Returns 1 if stored. A key of another type does not match.
 * Executed again: the expected value was replaced by the first execution or is gone, and never comes back.
 */
export const SWAP = script(`${REFUSED_WHEN_FULL}${BEGINS_WITH}
if not beginsWith(KEYS[1], ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

/** The same for many keys. KEYS: keys. ARGV: per key expected first bytes, new value, life in ms. Returns 1 for each key that was stored. */
export const SWAP_MANY = script(`${REFUSED_WHEN_FULL}${BEGINS_WITH}
local keys, argv, call = KEYS, ARGV, redis.call
local stored = {}
for i = 1, #keys do
  stored[i] = 0
  if beginsWith(keys[i], argv[3 * i - 2]) then
    call('SET', keys[i], argv[3 * i - 1], 'PX', argv[3 * i])
    stored[i] = 1
  end
end
return stored`)

/**
 * KEYS: keys. ARGV: per key a lease and its life in ms. Returns for each key the value that stands there now: the value that was found,
 * or the lease followed by the moment of its planting. The lease is in an array if it replaced something: of one element if that was of
 * another type, of two if it had a life that no cache gives (see `canBeOurs`). A lease is small and short-lived, so it is planted even
 * when the server is out of memory.
 * Executed again: if nothing stands there, another lease is planted, because the moment differs. No load fills for it, and it expires.
 *
 * If another program removed the expiry of one of our leases or fences, replacing it has the same effect as its expiry: a fill that
 * expects it is refused, and a writer that finishes removes the value that it finds instead. So G1 holds here, too.
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
local keys, argv, pcall = KEYS, ARGV, redis.pcall
local standing = {}
for i = 1, #keys do
  local key, lease, life = keys[i], argv[2 * i - 1] .. moment, argv[2 * i]
  local there = pcall('SET', key, lease, 'PX', life, 'NX', 'GET')
  if not there then
    standing[i] = lease
  elseif type(there) == 'string' and canBeOurs(key, there) then
    standing[i] = there
  else
    redis.call('SET', key, lease, 'PX', life)
    standing[i] = type(there) == 'string' and { lease, 'life' } or { lease }
  end
end
return standing`)

/**
 * KEYS: per change the key and its change mark. ARGV: a moment that is not later than the sending, the moment after which it is too
 * late, then per change a value and its life in ms. Returns the moment of execution, then per change 1 if stored and 0 if refused: the
 * key was changed after the sending, or it is too late.
 * Executed again: the first execution left a mark that is later than the sending. So each change is executed at most once, and never
 * after a later change of the key, even if that was a deletion, which leaves nothing but the mark.
 */
export const PUT = script(`${REFUSED_WHEN_FULL}${MOMENT}
local keys, argv, call, pcall = KEYS, ARGV, redis.call, redis.pcall
local sentAt, isLate = argv[1], moment > argv[2]
local done = { moment }
for i = 1, #keys / 2 do
  local mark = keys[2 * i]
  done[i + 1] = 0
  if not isLate then
    local changedAt = pcall('SET', mark, moment, 'PX', ${MARK_MS}, 'GET')
    if type(changedAt) == 'string' and changedAt > sentAt then
      call('SET', mark, changedAt, 'PX', ${MARK_MS})
    else
      -- It is a table if the mark is of another type, and was not set.
      if type(changedAt) == 'table' then call('SET', mark, moment, 'PX', ${MARK_MS}) end
      call('SET', keys[2 * i - 1], argv[2 * i + 1], 'PX', argv[2 * i + 2])
      done[i + 1] = 1
    end
  end
end
return done`)

/**
 * KEYS: per key that key and its change mark. ARGV: nothing, or per key the fence of a hold and its life in ms ('' and 0 for none). A hold
 * that stands there stays, unless the new one lives longer. Returns the moment of execution, and how many keys were removed.
 * Executed again: at worst a newer value is removed, and what is loaded is kept nowhere for one more life of the hold: misses.
 */
export const REMOVE = script(`${ALSO_WHEN_FULL}${MOMENT}${KEY_HOLD}
local removed = 0
for i = 1, #KEYS, 2 do
  local left, holdMs = leftOfHold(KEYS[i]), tonumber(ARGV[i + 1]) or 0
  if holdMs > left then
    redis.call('SET', KEYS[i], ARGV[i], 'PX', holdMs)
  elseif left == 0 then
    removed = removed + redis.call('UNLINK', KEYS[i])
  end
  redis.call('SET', KEYS[i + 1], moment, 'PX', ${MARK_MS})
end
return { moment, removed }`)

/** KEYS: key. ARGV: expected first bytes. Returns 1 if removed. Executed again: as with SWAP. */
export const REMOVE_IF = script(`${ALSO_WHEN_FULL}
if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1`)

/**
 * KEYS: key. ARGV: expected first bytes, new value, life in ms. Stores the value if the key begins as expected; otherwise removes the
 * key, unless this value already stands there because the command was sent twice, or the key is held.
 * Executed again: the expected fence was planted by a put, so it never comes back. At worst a newer value is removed: a miss.
 */
export const REPLACE_OR_REMOVE = script(`${REFUSED_WHEN_FULL}${KEY_HOLD}
local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
elseif head ~= string.sub(ARGV[2], 1, #ARGV[1]) and leftOfHold(KEYS[1]) == 0 then
  redis.call('UNLINK', KEYS[1])
end
return 1`)

/**
 * KEYS: keys. ARGV: per key expected first bytes, life in ms. Returns 1 for each key whose life was renewed.
 * Executed again: a lease whose load is over, or an entry that nobody reads, may stand for one more life, if it still stands. What is
 * gone is not brought back, and what replaced the expected value is left alone.
 */
export const EXTEND_IF = script(`${ALSO_WHEN_FULL}
local renewed = {}
for i = 1, #KEYS do
  local expected = ARGV[2 * i - 1]
  renewed[i] = 0
  if redis.pcall('GETRANGE', KEYS[i], 0, #expected - 1) == expected then
    renewed[i] = redis.call('PEXPIRE', KEYS[i], ARGV[2 * i])
  end
end
return renewed`)

/**
 * KEYS: key, its change mark. ARGV: the moments as in PUT, the new stamp. A live entry (magic C7 1E, format 1, state 1 or 2) gets the
 * stamp and keeps its life; anything else that stands there is removed, except a hold. Returns the moment of execution, then 1, or 0 if refused, as in
 * PUT.
 * Executed again: refused, as with PUT. Otherwise its stamp could come back, and a refresh that began after the first execution expects
 * that stamp.
 */
export const EXPIRE_ENTRY = script(`${ALSO_WHEN_FULL}${MOMENT}${KEY_HOLD}
local changedAt = redis.pcall('GET', KEYS[2])
if moment > ARGV[2] or (type(changedAt) == 'string' and changedAt > ARGV[1]) then return { moment, 0 } end
local stamp = redis.pcall('GETRANGE', KEYS[1], 0, 15)
local head = type(stamp) == 'string' and #stamp == 16 and string.sub(stamp, 1, 4)
if head == '\\199\\30\\1\\1' or head == '\\199\\30\\1\\2' then
  redis.call('SETRANGE', KEYS[1], 0, ARGV[3])
elseif leftOfHold(KEYS[1]) == 0 then
  redis.call('UNLINK', KEYS[1])
end
redis.call('SET', KEYS[2], moment, 'PX', ${MARK_MS})
return { moment, 1 }`)

/**
 * KEYS: stream, holds, then token keys. ARGV: field ('' appends nothing), announcement, maximum length of the stream, then per token key the
 * seed of its new soft half, or '' to remove the token, or 'h' and a time in ms to hold its label. A hold that stands there stays, unless
 * the new one lives longer. The life of the holds key shows for ten minutes more when the last hold ended (see ENSURE_TOKENS). Returns the
 * id of the appended entry. A stream key of another type is replaced.
 * Executed again: newer tokens are removed, or get a soft half that never existed before; a label may be held once more, which causes misses.
 * A repeated announcement invalidates once more.
 */
export const ANNOUNCE = script(`${ALSO_WHEN_FULL}${MOMENT}${LABEL_HOLD}
local gone, longest = {}, 0
-- While there is no holds key, no label is held, and none has to be looked at.
local mayBeHeld = #KEYS > 2 and redis.call('PTTL', KEYS[2]) ~= -2
for i = 3, #KEYS do
  local soft, left = ARGV[i + 1], mayBeHeld and leftOfHold(KEYS[i]) or 0
  local holdMs = tonumber(string.match(soft, '^h(%d+)$')) or 0
  if holdMs > 0 then
    longest = math.max(longest, holdMs)
    if holdMs > left then redis.call('SET', KEYS[i], '${HELD_LABEL}', 'PX', holdMs) end
  elseif left == 0 then
    if soft ~= '' and redis.pcall('STRLEN', KEYS[i]) == 32 then
      redis.call('SETRANGE', KEYS[i], 16, string.sub(redis.sha1hex(soft .. moment), 1, 16))
    else
      gone[#gone + 1] = KEYS[i]
    end
  end
end
if longest > 0 then
  local left, keepMs = redis.call('PTTL', KEYS[2]), longest + ${LONGEST_LEASE_MS}
  if left < keepMs or left > ${2 * LONGEST_LEASE_MS} then redis.call('SET', KEYS[2], '${HELD_LABEL}', 'PX', keepMs) end
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

/**
 * KEYS: key. Returns the first 32 bytes of its value: a stamp and more, or a whole token. A script always runs on the master, while plain
 * GETRANGE might be sent to a replica.
 */
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
local held = redis.call('PTTL', KEYS[2])
return {tokens, log, held >= 0 and held <= ${2 * LONGEST_LEASE_MS} and held}`

/**
 * KEYS: stream, holds, then token keys. ARGV: life in ms, position ('' for none), maximum number of announcements, then a candidate per token key.
 * A planted token is made of the candidate and the moment: if a client resends the command, it must not plant a token that was
 * invalidated in between. A token gets a third more life than was asked for, so that it is seldom renewed: a renewal is a write, and a
 * tracking bus reports every write to all processes.
 * A value that is not a token (32 hex digits) is replaced, and a token without an expiry gets one. Otherwise neither would ever go away.
 * Only a hold is left alone, and it is not renewed: its label gets no token until it ends.
 * Returns the tokens, planted where there were none, nil where the label is held; the entries after the position, or nil if the log no
 * longer contains the position (as long as the entry of the position is there, nothing after it was trimmed); and what is left of the life
 * of the holds key, which ends ten minutes after the last hold, nil if there is none.
 */
export const ENSURE_TOKENS = script(`${REFUSED_WHEN_FULL}${MOMENT}${LABEL_HOLD}
local keepMs = tonumber(ARGV[1])
local givenMs = math.ceil(keepMs * 4 / 3)
local tokens = {}
for i = 3, #KEYS do
  local present = redis.pcall('GET', KEYS[i])
  if type(present) == 'string' and #present == 32 and not string.find(present, '[^0-9a-f]') then
    if redis.call('PTTL', KEYS[i]) < keepMs then redis.call('PEXPIRE', KEYS[i], givenMs) end
    tokens[i - 2] = present
  elseif leftOfHold(KEYS[i]) > 0 then
    tokens[i - 2] = false
  else
    local token = string.sub(redis.sha1hex(ARGV[i + 1] .. moment), 1, 32)
    redis.call('SET', KEYS[i], token, 'PX', givenMs)
    tokens[i - 2] = token
  end
end
${LOG_SINCE}`)

/** The same, but nothing is planted: nil where nothing stands, and whatever else stands there as it is. */
export const READ_TOKENS = script(`${ALSO_WHEN_FULL}
local tokens = {}
for i = 3, #KEYS do
  local present = redis.pcall('GET', KEYS[i])
  tokens[i - 2] = type(present) == 'string' and present
end
${LOG_SINCE}`)

/** Milliseconds of the server's clock. */
const NOW_MS = `local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
`

/**
 * KEYS: the stream of a recording, its followers. ARGV: index, life in ms, first index to keep, chunk ('' for none).
 * The index is the id of the entry, so a command that is executed again appends nothing: the server refuses an id that is not greater. One
 * that comes after the end of the recording finds no stream, and only the first chunk makes one, which nobody reads: a lease never repeats.
 * Returns how many processes follow, or nil if there is no such stream.
 */
export const APPEND_CHUNK = script(`${REFUSED_WHEN_FULL}${NOW_MS}
if redis.call('PTTL', KEYS[1]) == -2 and not (ARGV[1] == '1' and ARGV[4] ~= '') then return false end
if ARGV[4] ~= '' then
  local added = redis.pcall('XADD', KEYS[1], 'MINID', ARGV[3], ARGV[1], 'c', ARGV[4])
  if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller') then return added end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCOUNT', KEYS[2], nowMs, '+inf')`)

/**
 * KEYS: the stream of a recording, its followers. ARGV: follower, index, how long it counts in ms, maximum number of chunks.
 * Returns nil if there is no such stream, else the index of the first chunk that it returns (0 for none) and the chunks.
 */
export const FOLLOW_CHUNKS = script(`${ALSO_WHEN_FULL}${NOW_MS}
if redis.call('PTTL', KEYS[1]) == -2 then return false end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', nowMs)
redis.call('ZADD', KEYS[2], nowMs + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local found = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[4])
local reply = {0}
for i, entry in ipairs(found) do
  if i == 1 then reply[1] = tonumber(string.match(entry[1], '^%d+')) end
  reply[i + 1] = entry[2][2]
end
return reply`)

/** KEYS: the followers of a recording. ARGV: the one that leaves. */
export const LEAVE_RECORDING = script(`${ALSO_WHEN_FULL}
return redis.call('ZREM', KEYS[1], ARGV[1])`)

/** Loaded into each server once it is connected, so that none is missing in the middle of a batch. */
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
  APPEND_CHUNK,
  FOLLOW_CHUNKS,
  LEAVE_RECORDING,
]
