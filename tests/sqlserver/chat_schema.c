/* SPDX-License-Identifier: Apache-2.0 */
#include "chat_schema.h"

#include <stddef.h>

const char *const chat_schema_mgc[] = {
	"CREATE TABLE dbo.tblEnumAttribute (attributeID smallint NOT NULL CONSTRAINT PK_tblEnumAttribute PRIMARY KEY, "
	"attributeName nvarchar(256) NOT NULL)",
	"CREATE TABLE dbo.tblEnumValue (valueID smallint NOT NULL CONSTRAINT PK_tblEnumValue PRIMARY KEY, "
	"attributeID smallint NOT NULL CONSTRAINT FK_tblEnumValue_attribute REFERENCES dbo.tblEnumAttribute (attributeID), "
	"attributeValue nvarchar(256) NOT NULL)",
	"CREATE TABLE dbo.tblPrincipalType (ptypeID smallint NOT NULL CONSTRAINT PK_tblPrincipalType PRIMARY KEY, "
	"ptypeDesc nvarchar(256) NOT NULL, ptypeIsSystemUser bit NOT NULL, ptypeIsUser bit NOT NULL)",
	"CREATE TABLE dbo.tblRoleType (rtypeID int NOT NULL CONSTRAINT PK_tblRoleType PRIMARY KEY, "
	"rtypeDesc nvarchar(256) NOT NULL, rtypeAllowedPermSet bigint NOT NULL)",
	"CREATE TABLE dbo.tblSiopWhiteList (siopID uniqueidentifier NOT NULL CONSTRAINT PK_tblSiopWhiteList PRIMARY KEY, "
	"siopName nvarchar(50) NOT NULL, siopUrl nvarchar(255) NOT NULL)",
	"CREATE TABLE dbo.tblConfig (configLabel nvarchar(255) NOT NULL CONSTRAINT PK_tblConfig PRIMARY KEY, "
	"configContent nvarchar(max) NULL, configPoolID uniqueidentifier NOT NULL)",
	"CREATE TABLE dbo.tblSystemRevision (sysRevision bigint NOT NULL)",
	"CREATE TABLE dbo.tblServerIdentity (serverID int NOT NULL CONSTRAINT PK_tblServerIdentity PRIMARY KEY, "
	"serverAddress nvarchar(256) NOT NULL, serverLastPingTime datetime NULL)",
	"CREATE TABLE dbo.tblPrincipal (prinID int IDENTITY(1,1) NOT NULL CONSTRAINT PK_tblPrincipal PRIMARY KEY, "
	"prinGuid uniqueidentifier NOT NULL CONSTRAINT UQ_tblPrincipal_prinGuid UNIQUE, prinUri nvarchar(256) NOT NULL, "
	"prinName nvarchar(256) NULL, prinDisplayName nvarchar(256) NULL, prinCompanyName nvarchar(256) NULL, "
	"prinEmail nvarchar(256) NULL, prinADPath nvarchar(384) NULL, prinADUserPrincipalName nvarchar(256) NULL, "
	"prinDisabled smallint NOT NULL CONSTRAINT DF_tblPrincipal_prinDisabled DEFAULT (0), "
	"prinTypeID smallint NOT NULL CONSTRAINT FK_tblPrincipal_type REFERENCES dbo.tblPrincipalType (ptypeID), "
	"prinPoolID int NULL, prinPolicyID int NULL, prinAddedBy int NULL, prinAddedOn bigint NOT NULL, "
	"prinUpdatedBy int NULL, prinUpdatedOn bigint NOT NULL, prinVerifiedOn datetime NOT NULL, "
	"CONSTRAINT CK_tblPrincipal_prinDisabled CHECK (prinDisabled >= 0 AND prinDisabled <= 2))",
	"CREATE TABLE dbo.tblADCookie (prinGuid uniqueidentifier NOT NULL CONSTRAINT PK_tblADCookie PRIMARY KEY "
	"CONSTRAINT FK_tblADCookie_principal REFERENCES dbo.tblPrincipal (prinGuid), prinDCHost nvarchar(255) NULL, "
	"adcContent image NULL, lastUpdated datetime NULL, lockedUntil datetime NULL)",
	"CREATE TABLE dbo.tblPrincipalMemberDifference (prinGuid uniqueidentifier NOT NULL, memberADPath nvarchar(256) NOT NULL, "
	"memberRemoved bit NOT NULL, CONSTRAINT PK_tblPrincipalMemberDifference PRIMARY KEY (prinGuid, memberADPath))",
	"CREATE TABLE dbo.tblADUpdates (prinGuid uniqueidentifier NOT NULL, prinADPath nvarchar(384) NOT NULL, "
	"prinAttributesChanged bit NOT NULL, prinMembersChanged bit NOT NULL, prinAffiliationsChanged bit NOT NULL, "
	"prinDeleted bit NOT NULL, lastUpdated datetime NOT NULL)",
	"CREATE TABLE dbo.tblPrincipalMembers (prinID int NOT NULL CONSTRAINT FK_tblPrincipalMembers_principal REFERENCES "
	"dbo.tblPrincipal (prinID), memberADPath nvarchar(384) NOT NULL, "
	"CONSTRAINT PK_tblPrincipalMembers PRIMARY KEY (prinID, memberADPath))",
	"CREATE TABLE dbo.tblPrincipalMeta (prinID int NOT NULL CONSTRAINT PK_tblPrincipalMeta PRIMARY KEY CONSTRAINT "
	"FK_tblPrincipalMeta_principal REFERENCES dbo.tblPrincipal (prinID), prinAffiliationsDirty bit NOT NULL, "
	"prinAttributesDirty bit NOT NULL, prinDeleted bit NOT NULL, "
	"tryCount int NULL CONSTRAINT DF_tblPrincipalMeta_tryCount DEFAULT (0), lastTry datetime NULL, nextTry datetime NULL)",
	"CREATE TABLE dbo.tblSkippedAffiliations (prinID int NOT NULL CONSTRAINT FK_tblSkippedAffiliations_principal REFERENCES "
	"dbo.tblPrincipal (prinID), affDescription nvarchar(256) NOT NULL, updatedBy int NOT NULL, "
	"CONSTRAINT PK_tblSkippedAffiliations PRIMARY KEY (prinID, affDescription))",
	"CREATE TABLE dbo.tblPrincipalAffiliations (principalID int NOT NULL CONSTRAINT FK_tblPrincipalAffiliations_principal "
	"REFERENCES dbo.tblPrincipal (prinID), affiliationID int NOT NULL CONSTRAINT FK_tblPrincipalAffiliations_affiliation "
	"REFERENCES dbo.tblPrincipal (prinID), [index] int NOT NULL, updatedBy int NOT NULL, "
	"CONSTRAINT PK_tblPrincipalAffiliations PRIMARY KEY (principalID, [index], affiliationID))",
	"CREATE TABLE dbo.tblNode (nodeID int NOT NULL CONSTRAINT PK_tblNode PRIMARY KEY, "
	"nodeGuid uniqueidentifier NOT NULL CONSTRAINT UQ_tblNode_nodeGuid UNIQUE, "
	"parentID int NULL CONSTRAINT FK_tblNode_parent REFERENCES dbo.tblNode (nodeID), nodeType bit NOT NULL, "
	"nodeName nvarchar(256) NOT NULL, nodeDesc nvarchar(256) NOT NULL, invite bit NULL, logged bit NULL, filePost bit NULL, "
	"disabled bit NOT NULL CONSTRAINT DF_tblNode_disabled DEFAULT (0), "
	"behavior smallint NOT NULL CONSTRAINT FK_tblNode_behavior REFERENCES dbo.tblEnumValue (valueID), "
	"visibility smallint NOT NULL CONSTRAINT FK_tblNode_visibility REFERENCES dbo.tblEnumValue (valueID), "
	"siopID uniqueidentifier NULL CONSTRAINT FK_tblNode_siop REFERENCES dbo.tblSiopWhiteList (siopID), "
	"nodeAddedBy int NOT NULL, nodeAddedOn bigint NOT NULL, nodeUpdatedBy int NOT NULL, nodeUpdatedOn bigint NOT NULL, "
	"purgedOn datetime NULL)",
	"CREATE INDEX IX_tblNode_parent ON dbo.tblNode (parentID) INCLUDE (nodeType, nodeName)",
	"CREATE TABLE dbo.tblScopePrincipal (scopeNodeID int NOT NULL CONSTRAINT FK_tblScopePrincipal_node REFERENCES "
	"dbo.tblNode (nodeID), scopePrinID int NOT NULL CONSTRAINT FK_tblScopePrincipal_principal REFERENCES "
	"dbo.tblPrincipal (prinID), scopeIsDenied bit NOT NULL, scopeUpdatedBy int NOT NULL, "
	"CONSTRAINT PK_tblScopePrincipal PRIMARY KEY (scopeNodeID, scopePrinID))",
	"CREATE TABLE dbo.tblPrincipalRole (prinRoleNodeID int NOT NULL CONSTRAINT FK_tblPrincipalRole_node REFERENCES "
	"dbo.tblNode (nodeID), prinRolePrinID int NOT NULL CONSTRAINT FK_tblPrincipalRole_principal REFERENCES "
	"dbo.tblPrincipal (prinID), prinRoleTypeID int NOT NULL CONSTRAINT FK_tblPrincipalRole_type REFERENCES "
	"dbo.tblRoleType (rtypeID), prinRoleUpdatedBy int NOT NULL, "
	"CONSTRAINT PK_tblPrincipalRole PRIMARY KEY (prinRoleNodeID, prinRolePrinID, prinRoleTypeID))",
	"CREATE INDEX IX_tblPrincipalRole_principal ON dbo.tblPrincipalRole (prinRolePrinID)",
	"CREATE TABLE dbo.tblPrincipalInvites (prinID int NOT NULL CONSTRAINT FK_tblPrincipalInvites_principal REFERENCES "
	"dbo.tblPrincipal (prinID), invID int NOT NULL, nodeID int NOT NULL CONSTRAINT FK_tblPrincipalInvites_node REFERENCES "
	"dbo.tblNode (nodeID), createdOn datetime NOT NULL CONSTRAINT DF_tblPrincipalInvites_createdOn DEFAULT (getdate()), "
	"CONSTRAINT PK_tblPrincipalInvites PRIMARY KEY (prinID, nodeID))",
	"CREATE TABLE dbo.tblChat (channelId int NOT NULL, chatId bigint NOT NULL, chatDate bigint NOT NULL, userId int NOT NULL, "
	"isAlert bit NOT NULL, content nvarchar(max) NOT NULL, rtf varchar(max) NULL, "
	"CONSTRAINT PK_tblChat PRIMARY KEY (channelId, chatId))",
	"CREATE INDEX IX_tblChat_user ON dbo.tblChat (userId, chatDate)",
	"CREATE TABLE dbo.tblLastInviteId (prinID int NOT NULL CONSTRAINT PK_tblLastInviteId PRIMARY KEY CONSTRAINT "
	"FK_tblLastInviteId_principal REFERENCES dbo.tblPrincipal (prinID), lastInviteID int NOT NULL)",
	"CREATE TABLE dbo.tblLastChatId (nodeID int NOT NULL CONSTRAINT FK_tblLastChatId_node REFERENCES dbo.tblNode (nodeID), "
	"lastChatID bigint NOT NULL, CONSTRAINT PK_tblLastChatId PRIMARY KEY (nodeID, lastChatID))",
	"CREATE TABLE dbo.tblPreference (prefLabel nvarchar(255) NOT NULL, prefSeqID int NOT NULL, prefContent nvarchar(max) NULL, "
	"lastModifiedBy int NOT NULL, CONSTRAINT PK_tblPreference PRIMARY KEY (prefLabel, prefSeqID))",
	"CREATE TABLE dbo.tblFileToken (fileToken nvarchar(50) NOT NULL CONSTRAINT PK_tblFileToken PRIMARY KEY, "
	"fileTokenUserID int NOT NULL, fileTokenChannelID uniqueidentifier NOT NULL CONSTRAINT FK_tblFileToken_node REFERENCES "
	"dbo.tblNode (nodeGuid), fileTokenExpireDate datetime NOT NULL, fileTokenComplianceFileUrl nvarchar(256) NULL, "
	"fileTokenComplianceThumbnailUrl nvarchar(256) NULL, fileTokenComplianceTime datetime2 NULL, "
	"fileTokenComplianceIsUpload bit NULL, fileTokenCompliancePinned bit NOT NULL)",
	"CREATE TABLE dbo.tblAdminLock (lockExpiresTime datetime NOT NULL, lockServerID int NOT NULL, lockActorID int NOT NULL)",
	"CREATE TABLE dbo.tblActivePeers (aplServerID int NOT NULL CONSTRAINT FK_tblActivePeers_server REFERENCES "
	"dbo.tblServerIdentity (serverID), aplPeerID int NOT NULL CONSTRAINT FK_tblActivePeers_peer REFERENCES "
	"dbo.tblServerIdentity (serverID), CONSTRAINT PK_tblActivePeers PRIMARY KEY (aplServerID, aplPeerID))",
	"CREATE FUNCTION dbo.fnTicksToDate (@ticks bigint) RETURNS datetime AS BEGIN RETURN DATEADD(second, "
	"(@ticks - 599266080000000000) / 10000000 % 86400, DATEADD(day, (@ticks - 599266080000000000) / 864000000000, "
	"CAST('19000101' AS datetime))) END",
	"CREATE VIEW dbo.vwRooms AS SELECT nodeID, nodeName, nodeDesc, disabled FROM dbo.tblNode WHERE nodeType = 0",
	"CREATE TRIGGER dbo.trgPrincipalRole ON dbo.tblPrincipalRole AFTER INSERT, UPDATE, DELETE AS BEGIN SET NOCOUNT ON; "
	"UPDATE dbo.tblSystemRevision SET sysRevision = sysRevision + 1 END",
	NULL,
};

const char *const chat_schema_mgccomp[] = {
	"CREATE TABLE dbo.tblComplianceData (cmplEventID bigint IDENTITY(1,1) NOT NULL CONSTRAINT PK_tblComplianceData PRIMARY KEY, "
	"entryDate smalldatetime NOT NULL, cmplType int NOT NULL, cmplTime bigint NOT NULL, cmplChannelUri nvarchar(255) NOT NULL, "
	"cmplChatID bigint NULL, cmplUserID int NOT NULL, cmplUserUri nvarchar(255) NOT NULL, cmplMessage nvarchar(max) NULL)",
	"CREATE TABLE dbo.tblComplianceFanout (fanoutEventID bigint NULL CONSTRAINT FK_tblComplianceFanout_event REFERENCES "
	"dbo.tblComplianceData (cmplEventID) ON DELETE CASCADE, fanoutServerID int NULL)",
	"CREATE INDEX IX_tblComplianceFanout_event ON dbo.tblComplianceFanout (fanoutEventID)",
	"CREATE TABLE dbo.tblComplianceParticipant (channelUri nvarchar(255) NOT NULL, userId int NOT NULL, "
	"joinedAt bigint NOT NULL, partedAt bigint NULL, userUri nvarchar(255) NOT NULL, serverID int NULL, sessionId bigint NULL, "
	"CONSTRAINT PK_tblComplianceParticipant PRIMARY KEY (channelUri, userId, joinedAt))",
	"CREATE TABLE dbo.tblComplianceState (lastProcessedEntryID bigint NOT NULL, activeServerID int NOT NULL, "
	"lockExpirationTime datetime2 NOT NULL)",
	NULL,
};
