-- Tells the workers that run jobs to stop them: rq.command.send_stop_job_command, to the workers whose executions live.
-- (After jobs.lua.)
--
-- Returns `sent` where a worker heard it. Whether it obeys is seen in the job's status: RQ's SimpleWorker does not.
-- Leaves nothing but the counts. The worker's name in a job's hash is not enough: it outlives the execution, and a worker that
--       is told to stop a job that it does not run says nothing. A worker whose horse is being started kills its own process
--       group; a job whose status is `started` has its horse, which wrote that.
-- Cost: O(executions of the job).

return act_on_each(function(id)
  local job, code = fields_of(id)
  if not job then return code end
  if job[1] ~= 'started' then return 'changed' end
  -- Other ids RQ cannot run; a message with one would end the worker's listening.
  if not string.match(id, '^[%w_-]+$') then return 'abandoned' end
  local executions = redis.pcall('ZRANGEBYSCORE', RQ .. ':executions:' .. id, string.format('(%.6f', server_now()), '+inf')
  if executions.err then return code_of(executions) end
  local heard = 0
  for _, execution in ipairs(executions) do
    local worker = redis.pcall('HGET', RQ .. ':execution:' .. id .. ':' .. execution, 'worker_name')
    if type(worker) == 'string' then
      local message = cjson.encode({ command = 'stop-job', job_id = id })
      heard = heard + redis.call('PUBLISH', RQ .. ':pubsub:' .. worker, message)
    end
  end
  return heard > 0 and 'sent' or 'abandoned'
end)
