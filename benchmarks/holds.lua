-- For wrk: each request holds one seat, the next of the file that is named after `--`.
-- The path of the event's holds comes second.

local seats = {}
local path
local at = 0

function init(arguments)
  for seat in io.lines(arguments[1]) do
    seats[#seats + 1] = seat
  end
  path = arguments[2]
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  at = at + 1
  return wrk.format("POST", path, nil, '{"seats":["' .. (seats[at] or "none-left") .. '"]}')
end
