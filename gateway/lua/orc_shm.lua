-- orc_shm: what all NGINX workers share: the table's text, its version, and who has how many requests in flight.
--
-- Two kinds of memory. The dictionary `orc` holds the table as text, under table:0 and table:1 in turn, so that
-- a text that does not fit never destroys the one in use. One anonymous mapping, made by the first master and
-- inherited by every worker it ever forks (its address is kept in the dictionary, so that it outlives a
-- reload), holds the version word and the counters: reading and counting then cost a few machine instructions
-- and no lock.
--
-- Counters: a row per worker process, written by that worker alone, a column ("slot") per endpoint. A row
-- belongs to a process id, not to a worker's number: after a reload the old worker 0 and the new one live side by
-- side for a while. A killed worker's row is not counted and is zeroed for the next.
--
-- Withdrawal: a worker counts itself in flight, then reads the version again; the writer stores the table,
-- raises the version, then reads the counters. One of the two always sees the other, provided that neither's
-- store is delayed past its load: fence().
local ffi = require "ffi"
local C = ffi.C
local dict = ngx.shared.orc

ffi.cdef [[
void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset);
int kill(int pid, int sig);
int getpid(void);
int getppid(void);
int pthread_spin_trylock(volatile int *lock);
int pthread_spin_unlock(volatile int *lock);
typedef struct {
    volatile uint32_t version;
    uint32_t pad[15];
    volatile int32_t pid[1024];
    volatile int32_t count[1024][16384];
} orc_shm_t;
]]

-- Workers from before a reload keep their rows while they have a request, up to worker_shutdown_timeout; memory
-- is only taken by rows in use.
local ROWS, SLOTS = 1024, 16384
local KEY = "mapping:2" -- one more whenever orc_shm_t changes: old workers keep theirs
local ESRCH = 3

local M = { SLOTS = SLOTS }
local shm -- orc_shm_t *
local row -- this worker's counters, int32_t *
local row_index

-- In the master, when the configuration is loaded: finds or makes the mapping.
function M.attach()
    local address = dict:get(KEY)
    if not address then
        local PROT_READ_WRITE, MAP_SHARED_ANONYMOUS = 3, 0x21
        local p = C.mmap(nil, ffi.sizeof("orc_shm_t"), PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0)
        address = tonumber(ffi.cast("uintptr_t", p))
        if ffi.cast("intptr_t", p) == -1 then
            error("orc: no shared memory for the counters: mmap failed with errno " .. ffi.errno())
        end
        local ok, err = dict:safe_set(KEY, address)
        if not ok then
            error("orc: the dictionary refused the mapping's address: " .. err)
        end
    end
    shm = ffi.cast("orc_shm_t *", ffi.cast("uintptr_t", address))
end

-- Orders this process's stores before its later loads, for the processor and for the compiler.
if jit.arch == "x64" then
    local lock = ffi.new("volatile int[1]", 1)
    function M.fence()
        C.pthread_spin_trylock(lock) -- a locked instruction, taken or not
        C.pthread_spin_unlock(lock)
    end
else
    function M.fence()
        dict:incr("fence", 1, 0) -- a compare-and-swap on the dictionary's mutex
    end
end

local function alive(pid)
    return C.kill(pid, 0) == 0 or ffi.errno() ~= ESRCH
end

-- A process id may belong to somebody else by now. True also when it can't be found out.
local function is_worker(pid)
    local f = io.open("/proc/" .. pid .. "/stat")
    if not f then
        return alive(pid)
    end
    local line = f:read("*l") or ""
    f:close()
    local ppid = tonumber(line:match("^.*%) %a (%d+)"))
    return ppid == nil or ppid == C.getppid()
end

local function row_free(i)
    local pid = shm.pid[i]
    return pid == 0 or not alive(pid)
end

-- In each worker, at its start. add() is atomic: of two workers one gets the row.
function M.claim()
    local me = C.getpid()
    for i = 0, ROWS - 1 do
        if row_free(i) then
            local owner = dict:get("row:" .. i)
            if owner and not alive(owner) then
                dict:delete("row:" .. i)
            end
            if dict:safe_add("row:" .. i, me) then
                ffi.fill(ffi.cast("void *", shm.count[i]), SLOTS * 4)
                shm.pid[i] = me
                row_index, row = i, ffi.cast("volatile int32_t *", shm.count[i])
                return
            end
        end
    end
    ngx.log(ngx.CRIT, "orc: all ", ROWS, " rows of counters are taken; while this worker lives, withdrawals wait for ",
            "their time-out")
    dict:incr("uncounted", 1, 0)
    row = ffi.new("volatile int32_t[?]", SLOTS)
end

-- In each worker, at its end.
function M.release()
    if row_index then
        ffi.fill(ffi.cast("void *", shm.count[row_index]), SLOTS * 4)
        shm.pid[row_index] = 0
        dict:delete("row:" .. row_index)
        row_index = nil
    else
        dict:incr("uncounted", -1, 0)
    end
end

-- The worker's own counters, indexed by slot. After claim().
function M.row()
    return row
end

function M.header()
    return shm
end

-- The table's text as of `version`, or a later one; nil while there is none.
function M.text(version)
    if version == 0 then
        return nil
    end
    return dict:get("table:" .. version % 2)
end

-- Stores a new text and raises the version. Returns the version, or nil and why.
function M.store(text)
    local version = shm.version + 1
    local ok, err = dict:safe_set("table:" .. version % 2, text)
    if not ok then
        dict:delete("table:" .. version % 2)
        return nil, err
    end
    shm.version = version
    M.fence()
    return version
end

-- Requests in flight to an endpoint, over all workers. To be read after store().
function M.in_flight(slot)
    local sum = dict:get("uncounted") or 0
    for i = 0, ROWS - 1 do
        local pid = shm.pid[i]
        if pid ~= 0 then
            local n = shm.count[i][slot]
            if n ~= 0 and is_worker(pid) then
                sum = sum + n
            end
        end
    end
    return sum
end

function M.master()
    return C.getppid()
end

return M
