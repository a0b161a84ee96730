CREATE TABLE booked_seats (
	event_id TEXT NOT NULL, 
	seat INTEGER NOT NULL, 
	booking_id TEXT NOT NULL, 
	CONSTRAINT pk_booked_seats PRIMARY KEY (event_id, seat)
);
CREATE TABLE booking_lines (
	event_id TEXT NOT NULL, 
	booking_id TEXT NOT NULL, 
	seat INTEGER NOT NULL, 
	ticket_type TEXT NOT NULL, 
	price BIGINT NOT NULL, 
	CONSTRAINT pk_booking_lines PRIMARY KEY (event_id, booking_id, seat)
);
CREATE TABLE bookings (
	event_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	user_id TEXT, 
	order_ref TEXT, 
	metadata TEXT, 
	hold_id TEXT, 
	status TEXT NOT NULL, 
	total BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	updated_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_bookings PRIMARY KEY (event_id, id)
);
CREATE TABLE events (
	id TEXT NOT NULL, 
	venue_id TEXT NOT NULL, 
	venue_version INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	starts_at_ms BIGINT NOT NULL, 
	time_zone TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	epoch TEXT NOT NULL, 
	buyer_secret BLOB, 
	created_at_ms BIGINT NOT NULL, 
	configuration TEXT, 
	configured_version BIGINT, 
	CONSTRAINT pk_events PRIMARY KEY (id)
);
CREATE TABLE file_chunks (
	file_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_file_chunks PRIMARY KEY (file_id, number)
);
CREATE TABLE files (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	media_type TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	expires_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_files PRIMARY KEY (id)
);
CREATE TABLE idempotency (
	event_id TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	request_hash BLOB NOT NULL, 
	status INTEGER NOT NULL, 
	answer BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	buyer BLOB, 
	address BLOB, 
	hold BLOB, 
	until_ms BIGINT, 
	CONSTRAINT pk_idempotency PRIMARY KEY (event_id, scope, "key")
);
CREATE TABLE job_results (
	id TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	name TEXT NOT NULL, 
	result TEXT, 
	created_at_ms BIGINT NOT NULL, 
	started_at_ms BIGINT NOT NULL, 
	finished_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_job_results PRIMARY KEY (id)
);
CREATE TABLE kept_answers (
	call BLOB NOT NULL, 
	request_hash BLOB NOT NULL, 
	status INTEGER NOT NULL, 
	answer BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_kept_answers PRIMARY KEY (call)
);
CREATE TABLE log_archives (
	event_id TEXT NOT NULL, 
	last_version BIGINT NOT NULL, 
	first_version BIGINT NOT NULL, 
	file TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	archived_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_log_archives PRIMARY KEY (event_id, last_version)
);
CREATE TABLE outbox (
	event_id TEXT NOT NULL, 
	id TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	name TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	trace TEXT, 
	created_at_ms BIGINT NOT NULL, 
	claimed_until_ms BIGINT, 
	relayed_at_ms BIGINT, 
	failed_at_ms BIGINT, 
	error TEXT, 
	CONSTRAINT pk_outbox PRIMARY KEY (event_id, id)
);
CREATE TABLE seat_log (
	event_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	batch_id BLOB NOT NULL, 
	format INTEGER NOT NULL, 
	entries BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_seat_log PRIMARY KEY (event_id, version)
);
CREATE TABLE seat_snapshots (
	event_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	image BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_seat_snapshots PRIMARY KEY (event_id, version)
);
CREATE TABLE secrets (
	name TEXT NOT NULL, 
	value BLOB NOT NULL, 
	CONSTRAINT pk_secrets PRIMARY KEY (name)
);
CREATE TABLE user_import_refusals (
	job_id TEXT NOT NULL, 
	line BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_user_import_refusals PRIMARY KEY (job_id, line)
);
CREATE TABLE user_imports (
	job_id TEXT NOT NULL, 
	file_id TEXT NOT NULL, 
	next_line BIGINT NOT NULL, 
	created BIGINT NOT NULL, 
	refused BIGINT NOT NULL, 
	CONSTRAINT pk_user_imports PRIMARY KEY (job_id)
);
CREATE TABLE users (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_email UNIQUE (email)
);
CREATE TABLE venue_versions (
	venue_id TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	etag TEXT NOT NULL, 
	seats INTEGER NOT NULL, 
	areas INTEGER NOT NULL, 
	categories INTEGER NOT NULL, 
	map_gzip BLOB NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_venue_versions PRIMARY KEY (venue_id, version)
);
CREATE TABLE venues (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_venues PRIMARY KEY (id)
);
CREATE TABLE webhook_deliveries (
	id TEXT NOT NULL, 
	webhook_id TEXT NOT NULL, 
	job_id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	payload TEXT NOT NULL, 
	status TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	response_status INTEGER, 
	error TEXT, 
	created_at_ms BIGINT NOT NULL, 
	finished_at_ms BIGINT, 
	CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id)
);
CREATE TABLE webhooks (
	id TEXT NOT NULL, 
	url TEXT NOT NULL, 
	types TEXT NOT NULL, 
	description TEXT, 
	secret TEXT NOT NULL, 
	previous_secret TEXT, 
	previous_until_ms BIGINT, 
	paused INTEGER NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	updated_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_webhooks PRIMARY KEY (id)
);
CREATE INDEX ix_booking_lines_event_id_seat ON booking_lines (event_id, seat, booking_id);
CREATE INDEX ix_bookings_event_id_hold_id ON bookings (event_id, hold_id);
CREATE INDEX ix_bookings_event_id_order_ref ON bookings (event_id, order_ref);
CREATE INDEX ix_bookings_event_id_updated_at_ms ON bookings (event_id, updated_at_ms);
CREATE INDEX ix_bookings_user_id ON bookings (user_id);
CREATE INDEX ix_events_starts_at_ms ON events (starts_at_ms);
CREATE INDEX ix_files_expires_at_ms ON files (expires_at_ms);
CREATE INDEX ix_idempotency_at_ms ON idempotency (at_ms);
CREATE INDEX ix_idempotency_event_id_hold ON idempotency (event_id, hold) WHERE hold IS NOT NULL;
CREATE INDEX ix_idempotency_until_ms ON idempotency (until_ms) WHERE until_ms IS NOT NULL;
CREATE INDEX ix_job_results_finished_at_ms ON job_results (finished_at_ms);
CREATE INDEX ix_kept_answers_at_ms ON kept_answers (at_ms);
CREATE INDEX ix_outbox_created_at_ms ON outbox (created_at_ms) WHERE failed_at_ms IS NULL;
CREATE INDEX ix_outbox_failed_at_ms ON outbox (failed_at_ms, id) WHERE failed_at_ms IS NOT NULL;
CREATE INDEX ix_outbox_id ON outbox (id);
CREATE INDEX ix_outbox_relayed_at_ms ON outbox (relayed_at_ms) WHERE relayed_at_ms IS NOT NULL AND failed_at_ms IS NULL;
CREATE INDEX ix_outbox_waiting ON outbox (queue, priority, created_at_ms) WHERE relayed_at_ms IS NULL AND failed_at_ms IS NULL;
CREATE INDEX ix_webhook_deliveries_created_at_ms ON webhook_deliveries (created_at_ms);
CREATE INDEX ix_webhook_deliveries_webhook_id ON webhook_deliveries (webhook_id, created_at_ms, id);
CREATE INDEX ix_webhook_deliveries_webhook_id_status ON webhook_deliveries (webhook_id, status, created_at_ms, id);
