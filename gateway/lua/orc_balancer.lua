-- orc_balancer: chooses an endpoint for each request, and counts the request in flight until it is over.
--
-- Round robin per worker over the backend's ready endpoints; suspects only while there is no ready one. Passive
-- circuit breaker per worker, with the figures of NGINX's own max_fails=3 fail_timeout=30s: an endpoint that failed so
-- often is left out for so long, but the last ready ones are used even so. A failed try goes to an endpoint that
-- this request has not tried. Knows nothing of the control socket.
local ffi = require "ffi"
local base = require "resty.core.base"
local balancer = require "ngx.balancer"
local shm = require "orc_shm"
local orc_table = require "orc_table"

local get_request = base.get_request
local set_current_peer = balancer.set_current_peer
local set_more_tries = balancer.set_more_tries
local get_last_failure = balancer.get_last_failure
local fence = shm.fence
local cast, tonumber = ffi.cast, tonumber
local uintptr = ffi.typeof("uintptr_t")

local MAX_FAILS, FAIL_TIMEOUT, MAX_TRIES = 3, 30, 16
local NGX_BUSY = -3 -- "no live upstreams": NGINX gives up at once, without a further try

local M = {}
local header, row
local seen = 0         -- the version that `backends` was read from
local backends = {}
local trouble = {}     -- slot -> { task, fails, since, till }: endpoints that failed lately
local in_flight = {}   -- request -> peer it is counted at
local tried = {}       -- request -> set of slots, from the second try on
local no_endpoint = {} -- request -> true: refused because there was nobody to ask

function M.init_worker()
    math.randomseed(ngx.worker.pid() + ngx.now() * 1000)
    shm.claim()
    header, row = shm.header(), shm.row()
end

-- ---- circuit breaker

local function trouble_of(peer)
    local t = trouble[peer.slot]
    if t and t.task ~= peer.task then
        trouble[peer.slot] = nil
        return nil
    end
    return t
end

local function is_open(peer, now)
    local t = trouble_of(peer)
    return t ~= nil and t.till > now
end

-- Works out whom to use, and when that has to be looked at again.
local function refresh(backend)
    local now = ngx.now()
    local from = #backend.ready > 0 and backend.ready or backend.suspect
    local list, recheck = {}, nil
    for _, peer in ipairs(from) do
        if is_open(peer, now) then
            local till = trouble[peer.slot].till
            recheck = math.min(recheck or till, till)
        else
            list[#list + 1] = peer
        end
    end
    if #list == 0 and from == backend.ready then
        list = from
    end
    backend.list, backend.n, backend.recheck = list, #list, recheck
end

local function refresh_all_with(slot)
    for _, backend in pairs(backends) do
        for _, peer in ipairs(backend.list or {}) do
            if peer.slot == slot then
                refresh(backend)
                break
            end
        end
    end
end

local function failed(peer)
    local now = ngx.now()
    local t = trouble_of(peer)
    if not t or now - t.since > FAIL_TIMEOUT then
        t = { task = peer.task, fails = 0, since = now, till = 0 }
        trouble[peer.slot] = t
    end
    t.fails = t.fails + 1
    if t.fails >= MAX_FAILS and t.till <= now then
        -- after the time-out it is on probation: one more failure is enough
        t.fails, t.since, t.till = MAX_FAILS - 1, now + FAIL_TIMEOUT, now + FAIL_TIMEOUT
        ngx.log(ngx.CRIT, "orc: ", peer.task, " at ", peer.addr, ":", peer.port, " failed ", MAX_FAILS,
                " times; not used for ", FAIL_TIMEOUT, "s while there are others")
        refresh_all_with(peer.slot)
    end
end

local function succeeded(peer)
    local t = trouble_of(peer)
    if t and t.till <= ngx.now() then
        trouble[peer.slot] = nil
    end
end

-- ---- the table

-- Brings `backends` up to the shared version. Keeps the last good table when the new one can't be read.
local function load()
    local version = header.version
    local text = shm.text(version)
    seen = version
    if not text then
        return
    end
    local new, why = orc_table.parse(text)
    if not new then
        ngx.log(ngx.CRIT, "orc: table ", version, " is not used: ", why)
        return
    end
    backends = new
    for _, backend in pairs(backends) do
        refresh(backend)
        backend.next = backend.n > 0 and math.random(backend.n) or 1
    end
end

-- ---- choosing

-- One that the request has not tried yet. All were tried when NGINX asks once more: it does so, beyond the tries
-- granted, for a kept connection that the endpoint had just closed.
local function choose_untried(backend, skip)
    local n, i = backend.n, backend.next
    for step = 0, n - 1 do
        local peer = backend.list[(i + step - 1) % n + 1]
        if not skip[peer.slot] then
            backend.next = i + step + 1
            return peer
        end
    end
    return backend.list[(i - 1) % n + 1]
end

-- The way to choose that is always right: brings everything up to date first, and looks again after counting.
local function pick(id, skip)
    while true do
        if header.version ~= seen then
            load()
        end
        local backend = backends[id]
        if backend and backend.recheck and ngx.now() >= backend.recheck then
            refresh(backend)
        end
        if not backend or backend.n == 0 then
            return nil
        end
        local peer = choose_untried(backend, skip)
        local slot = peer.slot
        row[slot] = row[slot] + 1
        fence()
        if header.version == seen then
            return peer
        end
        row[slot] = row[slot] - 1
    end
end

-- The request was counted before: this is its next try. Returns the slots that it has tried.
local function give_back(key, peer)
    row[peer.slot] = row[peer.slot] - 1
    in_flight[key] = nil
    if not get_last_failure() then
        return nil -- another upstream of the same request, after an internal redirect
    end
    failed(peer)
    local set = tried[key] or {}
    set[peer.slot] = true
    tried[key] = set
    return set
end

local nothing = {}

local function balance_slowly(id, key)
    local before = in_flight[key]
    local skip = before and give_back(key, before)
    local peer = pick(id, skip or nothing)
    if not peer then
        no_endpoint[key] = true
        return ngx.exit(NGX_BUSY)
    end
    in_flight[key] = peer
    local n = backends[id].n
    if not skip and n > 1 then
        set_more_tries(n < MAX_TRIES and n - 1 or MAX_TRIES)
    end
    local ok, err = set_current_peer(peer.addr, peer.port)
    if not ok then
        ngx.log(ngx.CRIT, "orc: ", peer.task, " at ", peer.addr, ":", peer.port, ": ", err)
        return ngx.exit(ngx.ERROR)
    end
end

-- balancer_by_lua of the upstream of backend `id`. The usual case stands here without a loop, so that it becomes one
-- piece of machine code; every other one goes to balance_slowly(), with nothing changed.
function M.balance(id)
    local key = tonumber(cast(uintptr, get_request()))
    local backend = backends[id]
    if header.version ~= seen or not backend or backend.recheck or backend.n == 0 or in_flight[key] then
        return balance_slowly(id, key)
    end
    local n, i = backend.n, backend.next
    if i > n then
        i = 1
    end
    local peer = backend.list[i]
    local slot = peer.slot
    row[slot] = row[slot] + 1
    fence()
    if header.version ~= seen then
        row[slot] = row[slot] - 1
        return balance_slowly(id, key)
    end
    backend.next = i + 1
    in_flight[key] = peer
    if n > 1 then
        set_more_tries(n < MAX_TRIES and n - 1 or MAX_TRIES)
    end
    if not set_current_peer(peer.addr, peer.port) then
        return balance_slowly(id, key)
    end
end

-- log_by_lua: the request is over, however it ended.
function M.done()
    local key = tonumber(cast(uintptr, get_request()))
    local peer = in_flight[key]
    if tried[key] then
        tried[key] = nil
    end
    if not peer then
        return
    end
    in_flight[key] = nil
    row[peer.slot] = row[peer.slot] - 1
    if ngx.status >= 500 then
        local status = ngx.status
        if status == 500 or status == 502 or status == 504 then
            failed(peer)
        end
    elseif trouble[peer.slot] then
        succeeded(peer)
    end
end

-- Was this request refused because its service had nobody to ask? Asked once, by the error page.
function M.had_no_endpoint()
    local key = tonumber(cast(uintptr, get_request()))
    local was = no_endpoint[key]
    no_endpoint[key] = nil
    return was
end

return M
