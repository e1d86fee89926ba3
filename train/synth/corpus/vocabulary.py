"""List words that forms, receipts, screens and signs repeat."""

from __future__ import annotations

RECEIPT = {
    "en": (
        "TOTAL|Total|SUB TOTAL|Subtotal|Sub-Total|CASH|Cash|CHANGE|Change|Rounding|"
        "ROUNDING ADJ|GST 6%|GST Summary|Tax|Discount|Service Charge|Total Qty|Item(s)|"
        "Total Payable|NET TOTAL|Visa|Mastercard|Card|Amount Due|Balance|Total (Incl. GST)|"
        "Total Excl. GST|Tax(RM)|Points|Member|Deposit|Total Sales|VAT 20%|Tip|Amt(RM)|Gross"
    ).split("|"),
    "zh": (
        "合计|小计|总计|应收|实收|找零|现金|微信支付|支付宝|优惠|折扣|数量|金额|单价|税额|"
        "会员价|积分|余额|件数|抹零|服务费|打包费|配送费|原价|应付金额|实付|刷卡|合计金额|"
        "本次积分|满减优惠|餐具费"
    ).split("|"),
}
RECEIPT_HEAD = {
    "en": (
        "TAX INVOICE|Receipt|RECEIPT|INVOICE|Cash Bill|Simplified Tax Invoice|OFFICIAL RECEIPT|"
        "Tax Invoice|CASH SALES|Order Slip|GUEST CHECK|Invoice"
    ).split("|"),
    "zh": (
        "购物小票|结账单|收银小票|销售单|消费明细|预结单|顾客联|商户存根|电子发票|收据|点菜单|"
        "外卖订单"
    ).split("|"),
}
RECEIPT_META = {
    "en": (
        "Invoice No|Date|Time|Cashier|Table|Bill No|Counter|Terminal|Ref|Order|Server|"
        "Salesperson|Pax|Tel|GST ID No|Fax|Doc No.|Company Reg No|Receipt #|Trans|POS|Till|"
        "Member No"
    ).split("|"),
    "zh": (
        "单号|日期|时间|收银员|桌号|人数|订单号|门店|电话|地址|流水号|机号|会员卡号|下单时间|"
        "操作员|打印时间|交易号"
    ).split("|"),
}
THANKS = {
    "en": (
        "THANK YOU|Thank you, please come again|Goods sold are not returnable|"
        "THANK YOU FOR SHOPPING WITH US|PLEASE COME AGAIN|"
        "EXCHANGE ARE ALLOWED WITHIN 7 DAYS WITH RECEIPT|STRICTLY NO CASH REFUND|"
        "Have a nice day!|Price inclusive of GST|CUSTOMER'S COPY|Keep this receipt"
    ).split("|"),
    "zh": (
        "谢谢惠顾，欢迎再次光临|谢谢光临|请妥善保管小票|凭小票退换货|如需发票请当日开具|"
        "欢迎下次光临|商品售出七日内凭票退换|扫码关注公众号领取优惠券|客服热线"
    ).split("|"),
}
COLUMNS = {
    "en": (
        "Description|Qty|Price|Amount|U.Price|Total|Item|Tax|Disc|Code|No.|Name|Date|Unit|"
        "Status|Type|Year|Value|Rate|Mean|Std|Model|Region|Sales|Remarks|Quantity|ID|Score|"
        "Weight"
    ).split("|"),
    "zh": (
        "序号|名称|数量|单价|金额|备注|品名|规格|单位|日期|姓名|编号|部门|电话|状态|类型|合计|"
        "地址|时间|项目|比例|说明|年份|成绩|性别|职务|班级|来源|负责人"
    ).split("|"),
}
LABELS = {
    "en": (
        "NAME|Name|Date|DATE|Address|Telephone|PHONE|Fax No.|To|From|Subject|TITLE|Company|"
        "Department|Signature|City|State|Zip Code|Account No.|Reference|Brand|Product|Quantity|"
        "Comments|COMMENTS|Approved by|Remarks|Project|Division|Region|Supervisor|Description|"
        "Amount|Location|Contact|Purpose|Manufacturer|Order No.|Attn|cc|Code|Client|Contract|"
        "Market|Total|Prepared by|Received|Print Name|Date of Birth|Sex|Age|Position|Test|"
        "Sample No."
    ).split("|"),
    "zh": (
        "姓名|性别|出生日期|身份证号|联系电话|地址|单位|部门|职务|日期|签字|备注|项目名称|"
        "合同编号|甲方|乙方|开户银行|账号|金额|申请人|审批意见|负责人|经办人|学号|班级|专业|"
        "指导教师|题目|邮编|传真|电子邮箱|名称|规格型号|数量|单价|总价|生产日期|保质期|检验员|"
        "编号|法定代表人|注册资本|经营范围|成立日期|有效期至|民族|学历"
    ).split("|"),
}
BUTTONS = {
    "en": (
        "OK|Cancel|Apply|Save|Delete|Next|Back|Close|Yes|No|Settings|Login|Sign up|Search|"
        "Submit|Open|Edit|Help|Send|Share|Download|More|Retry|Confirm|Continue|Skip|Browse...|"
        "Add to Cart|Buy Now|Log out|Refresh|Play"
    ).split("|"),
    "zh": (
        "确定|取消|应用|保存|删除|下一步|上一步|关闭|是|否|设置|登录|注册|搜索|提交|打开|编辑|"
        "帮助|发送|分享|下载|更多|重试|确认|继续|跳过|浏览|加入购物车|立即购买|退出|刷新|"
        "开始游戏|领取奖励|返回|同意|立即领取|完成"
    ).split("|"),
}
MENUS = {
    "en": (
        "File|Edit|View|Insert|Format|Tools|Window|Help|Home|Layout|Review|Run|Debug|Terminal|"
        "Build|Options|About|History|Bookmarks|Selection|Project|Data|General|Network|Display|"
        "Privacy|Account|Sound|Notifications|Storage"
    ).split("|"),
    "zh": (
        "文件|编辑|视图|插入|格式|工具|窗口|帮助|首页|布局|审阅|运行|调试|选项|关于|历史|收藏|"
        "项目|数据|通用|网络|显示|隐私|账号|声音|通知|存储|消息|通讯录|发现|我的|推荐|关注|"
        "热门|视频|直播|商城|订单|钱包|蓝牙|电池|壁纸|语言"
    ).split("|"),
}
GAME = {
    "en": (
        "HP|MP|Lv.|EXP|Attack|Defense|Quest|Inventory|Skills|Start|Exit|Score|Level|Gold|"
        "Mission|Reward|Guild|Critical|Speed|Continue|Options|New Game|Loading..."
    ).split("|"),
    "zh": (
        "任务|背包|技能|装备|攻击|防御|生命|法力|等级|经验|金币|奖励|帮派|好友|商城|活动|副本|"
        "战斗|当前进度|完成任务|剩余次数|奖励基数|第1轮第2步|强化|宠物|坐骑|排行榜|成就|挑战|"
        "领取|称号|暴击|速度|元宝|背景音乐|加载中|队伍"
    ).split("|"),
}
SIGNS = {
    "en": (
        "SALE|OPEN|COFFEE|EXIT|BANK|HOTEL|NO PARKING|ENTRANCE|PUSH|PULL|STOP|TAXI|RESTAURANT|"
        "50% OFF|NEW|FREE|BAKERY|PHARMACY|MARKET|CAFE|BOOKS|FASHION|Welcome|Toilet|LIFT|"
        "CAUTION|WET FLOOR|Level 2|Gate 5|ATM|FRESH|PLACE|Information|Service Centre|Cashier|"
        "Fire Exit|WAY OUT|HAIR SALON|SPECIAL OFFER|Best Seller|100% COTTON|Hot"
    ).split("|"),
    "zh": (
        "超市|药店|银行|酒店|餐厅|咖啡|火锅|面馆|便利店|理发店|美容美发|烟酒|水果店|五金|眼镜|"
        "书店|欢迎光临|营业中|禁止停车|出口|入口|安全出口|收银台|洗手间|小心地滑|请勿吸烟|"
        "全场五折|限时特价|买一送一|包邮|新品上市|正品保障|厂家直销|满减|爆款|热卖|招租|停车场|"
        "医院|诊所|动物医院|奶茶|烧烤|小吃|麻辣烫|服饰|童装|家具|装饰|汽车维修|打印复印|"
        "房产中介|教育培训|牛肉面|酒楼|茶庄|珠宝|手机专卖|电动车|咨询热线|免费试听|年终盛典|"
        "优惠券|先到先得"
    ).split("|"),
}
