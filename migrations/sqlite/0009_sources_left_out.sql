-- Sources that a schedule had to go without when it last fired, each with since when: `{"entsoe": "2024-05-01T00:00:00Z"}`.
-- What they owe since then is made up for by the first firing that has them again.
ALTER TABLE schedules ADD COLUMN left_out TEXT NOT NULL DEFAULT '{}' CHECK (json_type(left_out) = 'object');
