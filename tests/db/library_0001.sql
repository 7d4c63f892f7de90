BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE change (
	id INTEGER NOT NULL, 
	journal_id INTEGER NOT NULL, 
	table_name VARCHAR(30) NOT NULL, 
	row_id INTEGER NOT NULL, 
	created BOOLEAN NOT NULL, 
	"before" JSON NOT NULL, 
	"after" JSON NOT NULL, 
	CONSTRAINT pk_change PRIMARY KEY (id), 
	CONSTRAINT fk_change_journal_id FOREIGN KEY(journal_id) REFERENCES journal (id) ON DELETE CASCADE
);
INSERT INTO "change" VALUES(1,1,'person',1,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(2,2,'person',1,0,'{}','{}');
INSERT INTO "change" VALUES(3,2,'face',1,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(4,2,'face',2,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(5,3,'person',2,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(6,4,'person',2,0,'{}','{}');
INSERT INTO "change" VALUES(7,4,'face',3,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(8,5,'person',3,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(9,6,'person',3,0,'{}','{}');
INSERT INTO "change" VALUES(10,6,'face',4,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(11,7,'person',1,0,'{}','{}');
INSERT INTO "change" VALUES(12,7,'face',3,0,'{"person_id": 2}','{"person_id": 1}');
INSERT INTO "change" VALUES(13,7,'person',2,0,'{"active": true}','{"active": false}');
INSERT INTO "change" VALUES(14,8,'person',3,0,'{}','{}');
INSERT INTO "change" VALUES(15,8,'rejection',1,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(16,9,'person',4,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(17,9,'person',4,0,'{}','{}');
INSERT INTO "change" VALUES(18,9,'face',5,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(19,9,'import_item',1,1,'{"active": false}','{"active": true}');
INSERT INTO "change" VALUES(20,10,'person',3,0,'{"first_name": "Bob", "surname": "Zo\u00eb", "note": "", "folded": "bob zoe", "folded_note": ""}','{"first_name": "Bob", "surname": "\u00dcnal", "note": "", "folded": "bob unal", "folded_note": ""}');
CREATE TABLE crop (
	face_id INTEGER NOT NULL, 
	jpeg BLOB NOT NULL, 
	CONSTRAINT pk_crop PRIMARY KEY (face_id), 
	CONSTRAINT fk_crop_face_id FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
);
INSERT INTO "crop" VALUES(1,X'63726F702031');
INSERT INTO "crop" VALUES(2,X'63726F702032');
INSERT INTO "crop" VALUES(3,X'63726F702033');
INSERT INTO "crop" VALUES(4,X'63726F702034');
INSERT INTO "crop" VALUES(5,X'63726F702035');
CREATE TABLE embedding (
	face_id INTEGER NOT NULL, 
	model_key VARCHAR(100) NOT NULL, 
	vector BLOB NOT NULL, 
	CONSTRAINT pk_embedding PRIMARY KEY (face_id, model_key), 
	CONSTRAINT fk_embedding_face_id FOREIGN KEY(face_id) REFERENCES face (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "embedding" VALUES(1,'test',X'61B82B3E6021CC3E9331243E5AE221BF59EFE03E85CD5D3ED56785BEDA60903E');
INSERT INTO "embedding" VALUES(2,'test',X'1874623D6D8A1CBEBD63F7BD56C736BFD9BB063F7550AB3E7CE6C2BDCBB8673E');
INSERT INTO "embedding" VALUES(3,'test',X'BA5E043F65C125BFC4EFD83D364C13BE14DDEABD3CBB5FBD2A0303BFD2AE70BD');
INSERT INTO "embedding" VALUES(4,'test',X'715380BE429889BD55C7233F3AC6813EAE9421BF7E2003BB617F75BE5C1A6A3D');
INSERT INTO "embedding" VALUES(5,'test',X'1342BABE8FCC19BF60BDE6BD8B4E433E1FEE033F4DD84B3DE15B80BE4A46B6BE');
CREATE TABLE face (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	person_id INTEGER NOT NULL, 
	photo_id INTEGER NOT NULL, 
	x1 FLOAT NOT NULL, 
	y1 FLOAT NOT NULL, 
	x2 FLOAT NOT NULL, 
	y2 FLOAT NOT NULL, 
	landmarks BLOB NOT NULL, 
	size FLOAT NOT NULL, 
	sharpness FLOAT NOT NULL, 
	brightness FLOAT NOT NULL, 
	contrast FLOAT NOT NULL, 
	yaw FLOAT NOT NULL, 
	pitch FLOAT NOT NULL, 
	roll FLOAT NOT NULL, 
	score FLOAT NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT fk_face_person_id FOREIGN KEY(person_id) REFERENCES person (id), 
	CONSTRAINT fk_face_photo_id FOREIGN KEY(photo_id) REFERENCES photo (id)
);
INSERT INTO "face" VALUES(1,1,1,0.0,10.0,40.0,60.0,X'65D6DB41DA60B03FDFB31642E041D74187E483418DAF1D424D8E72412F66B5417B77D640C53EA141',40.0,0.5,0.4,0.2,1.0,-2.0,3.0,0.99,1);
INSERT INTO "face" VALUES(2,1,2,0.0,10.0,40.0,60.0,X'BAF95B41927C034201E8E0418119F040650DAD4106DC0542271DA9411546FD41B97C4142EB9C0842',40.0,0.5,0.4,0.2,1.0,-2.0,3.0,0.99,1);
INSERT INTO "face" VALUES(3,1,3,0.0,10.0,40.0,60.0,X'5AEA12420FE0B540C47D9C4132B2CE414F40AC412CB8EA414B911342E2403F42665C63419EB50142',40.0,0.5,0.4,0.2,1.0,-2.0,3.0,0.99,1);
INSERT INTO "face" VALUES(4,3,4,0.0,10.0,40.0,60.0,X'BA532E429993D9416971344285DCBE41D232AC4112CA1D42A2D44442ECE393415DC9414227CE3942',40.0,0.5,0.4,0.2,1.0,-2.0,3.0,0.99,1);
INSERT INTO "face" VALUES(5,4,5,0.0,10.0,40.0,60.0,X'51061C40D1D547424C790242B09B3B41A1FAAD4155D6424218893342A1D828423DF69C418F35C541',40.0,0.5,0.4,0.2,1.0,-2.0,3.0,0.99,1);
CREATE TABLE import (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	root TEXT NOT NULL, 
	started DATETIME NOT NULL, 
	finished BOOLEAN NOT NULL, 
	journal_id INTEGER
);
INSERT INTO "import" VALUES(1,'/photos','2026-11-20 14:12:17.579721',1,9);
CREATE TABLE import_item (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	import_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	modified_ns BIGINT NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	code VARCHAR(50) NOT NULL, 
	reason TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT fk_import_item_import_id FOREIGN KEY(import_id) REFERENCES import (id)
);
INSERT INTO "import_item" VALUES(1,1,'Cy/1.jpg',9,9,'enrolled','','',1);
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	position INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	sentence TEXT NOT NULL, 
	undone BOOLEAN NOT NULL, 
	CONSTRAINT uq_journal_position UNIQUE (position)
);
INSERT INTO "journal" VALUES(1,1,'2026-11-20 14:12:17.461604','Added Ann Lee.',0);
INSERT INTO "journal" VALUES(2,2,'2026-11-20 14:12:17.480189','Enrolled 2 faces of Ann Lee.',0);
INSERT INTO "journal" VALUES(3,3,'2026-11-20 14:12:17.523522','Added Annie.',0);
INSERT INTO "journal" VALUES(4,4,'2026-11-20 14:12:17.527467','Enrolled a face of Annie.',0);
INSERT INTO "journal" VALUES(5,5,'2026-11-20 14:12:17.550782','Added Bob Zoë.',0);
INSERT INTO "journal" VALUES(6,6,'2026-11-20 14:12:17.555445','Enrolled a face of Bob Zoë.',0);
INSERT INTO "journal" VALUES(7,7,'2026-11-20 14:12:17.563617','Merged Annie into Ann Lee.',0);
INSERT INTO "journal" VALUES(8,8,'2026-11-20 14:12:17.575616','Noted that a face is not Bob Zoë.',0);
INSERT INTO "journal" VALUES(9,9,'2026-11-20 14:12:17.601958','Imported 1 person from photos.',0);
INSERT INTO "journal" VALUES(10,10,'2026-11-20 14:12:17.611493','Renamed Bob Zoë to Bob Ünal.',1);
CREATE TABLE person (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	first_name VARCHAR(200) NOT NULL, 
	surname VARCHAR(200) NOT NULL, 
	note TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	folded_note TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	active BOOLEAN NOT NULL
);
INSERT INTO "person" VALUES(1,'Ann','Lee','teacher','ann lee','teacher','2026-11-20 14:12:17.462135',1);
INSERT INTO "person" VALUES(2,'Annie','','','annie','','2026-11-20 14:12:17.523643',0);
INSERT INTO "person" VALUES(3,'Bob','Zoë','','bob zoe','','2026-11-20 14:12:17.550896',1);
INSERT INTO "person" VALUES(4,'Cy','','','cy','','2026-11-20 14:12:17.599341',1);
CREATE TABLE photo (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	sha256 VARCHAR(64) NOT NULL, 
	path TEXT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	CONSTRAINT uq_photo_sha256 UNIQUE (sha256)
);
INSERT INTO "photo" VALUES(1,'6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','/photos/00001.jpg',100,100);
INSERT INTO "photo" VALUES(2,'d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35','/photos/00002.jpg',100,100);
INSERT INTO "photo" VALUES(3,'4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce','/photos/00003.jpg',100,100);
INSERT INTO "photo" VALUES(4,'4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a','/photos/00004.jpg',100,100);
INSERT INTO "photo" VALUES(5,'ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d','/photos/00005.jpg',100,100);
CREATE TABLE rejection (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	person_id INTEGER NOT NULL, 
	model_key VARCHAR(100) NOT NULL, 
	vector BLOB NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT fk_rejection_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);
INSERT INTO "rejection" VALUES(1,3,'test',X'F304B53EF304B53EF304B53EF304B53EF304B53EF304B53EF304B53EF304B53E',1);
CREATE TABLE revision (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	CONSTRAINT pk_revision PRIMARY KEY (id), 
	CONSTRAINT ck_revision_one_row CHECK (id = 1)
);
INSERT INTO "revision" VALUES(1,13);
CREATE UNIQUE INDEX uq_person_folded_active ON person (folded) WHERE active = 1;
CREATE INDEX ix_import_root ON import (root);
CREATE INDEX ix_face_photo ON face (photo_id, active);
CREATE INDEX ix_face_person ON face (person_id, active, photo_id);
CREATE INDEX ix_rejection_model_key ON rejection (model_key);
CREATE INDEX ix_rejection_person_id ON rejection (person_id);
CREATE INDEX ix_change_journal ON change (journal_id, table_name, row_id);
CREATE INDEX ix_import_item_import_id ON import_item (import_id);
CREATE UNIQUE INDEX uq_import_item_path_active ON import_item (import_id, path) WHERE active = 1;
CREATE INDEX ix_embedding_model_key ON embedding (model_key);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',10);
INSERT INTO "sqlite_sequence" VALUES('person',4);
INSERT INTO "sqlite_sequence" VALUES('photo',5);
INSERT INTO "sqlite_sequence" VALUES('face',5);
INSERT INTO "sqlite_sequence" VALUES('rejection',1);
INSERT INTO "sqlite_sequence" VALUES('import',1);
INSERT INTO "sqlite_sequence" VALUES('import_item',1);
COMMIT;
